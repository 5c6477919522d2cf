/** The builder's contract, read from the SDK that is installed: what is generated from it cannot differ from it. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A method of the contract. */
export interface ContractMethod {
  readonly name: string;
  /** Its comment, as it stands. */
  readonly comment: string;
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly returns: string;
  /** Names of types of the SDK in its signature. */
  readonly types: readonly string[];
}

/** The installed SDK. */
export interface InstalledSdk {
  /** Folder of the package. */
  readonly folder: string;
  readonly version: string;
  /** Not published: its package is marked private, so that it can only be had from its folder. */
  readonly isPrivate: boolean;
  /** Range of vitest that its suite runs in. */
  readonly vitest: string;
  /** File that declares the interface `Builder`. */
  readonly contract: string;
}

/** Finds the SDK beside this library: as sources in a checkout that runs on sources, else as built. */
export function installedSdk(): InstalledSdk {
  const index = fileURLToPath(import.meta.resolve('@rebake/sdk'));
  const folder = dirname(dirname(index));
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly private?: boolean;
    readonly peerDependencies: { readonly vitest: string };
  };
  return {
    folder,
    version: manifest.version,
    isPrivate: manifest.private === true,
    vitest: manifest.peerDependencies.vitest,
    contract: join(dirname(index), basename(index) === 'index.ts' ? 'builder.ts' : 'builder.d.ts'),
  };
}

/** Reads the methods of the interface `Builder` from its declaration, in their order. */
export async function readContract(text: string): Promise<readonly ContractMethod[]> {
  const { Project, SyntaxKind } = await import('ts-morph');
  const project = new Project({ useInMemoryFileSystem: true, skipLoadingLibFiles: true });
  const contract = project.createSourceFile('builder.ts', text).getInterface('Builder');
  if (!contract) throw new Error('the SDK declares no interface Builder');
  return contract.getMethods().map((method) => {
    const signature = [...method.getParameters().map((one) => one.getTypeNode()), method.getReturnTypeNode()];
    const types = signature.flatMap((node) =>
      (node?.getDescendantsOfKind(SyntaxKind.TypeReference) ?? [])
        .concat(node?.asKind(SyntaxKind.TypeReference) ?? [])
        .map((reference) => reference.getTypeName().getText()),
    );
    return {
      name: method.getName(),
      comment: method
        .getJsDocs()
        .map((doc) => doc.getText())
        .join('\n'),
      parameters: method
        .getParameters()
        .map((one) => ({ name: one.getName(), type: one.getTypeNode()?.getText() ?? 'unknown' })),
      returns: method.getReturnTypeNode()?.getText() ?? 'void',
      types: [...new Set(types)].filter((name) => name !== 'Promise'),
    };
  });
}
