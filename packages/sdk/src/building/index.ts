/** What most builders need: names of candidates, failures in one vocabulary, references of parents, and the check that an image is on its parent. */
export { writeContext } from './context-folder.ts';
export type { ContextFolder } from './context-folder.ts';
export { nameHere, observe } from './observe.ts';
export { writeAuthFile, writeCaFolder, writeSecrets } from './secret-files.ts';
export type { SecretFile } from './secret-files.ts';
export { containersName, isInsecure } from './plain.ts';
export { runCommand } from './run-command.ts';
export type { CommandEnd, RunOptions } from './run-command.ts';
export { checkBelow, fromReference } from './parent.ts';
export type { From, LayeredImage } from './parent.ts';
export { apiWords, engineFailure, engineFull, failure, isFull, registryFailure } from './failures.ts';
export { lazyBuilder } from './lazy.ts';
export { candidateName, parseName, pullReference, registryName } from './names.ts';
export type { Name } from './names.ts';
export { parseSshTarget, showSshTarget, SSH_FORM } from './ssh-target.ts';
export type { SshTarget } from './ssh-target.ts';
