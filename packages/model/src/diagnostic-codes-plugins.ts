/** Codes of what plugins, and what they do for a declaration, can be wrong with. One row a line: code, severity, what it means, what to do. */
import type { KindRow } from './diagnostic-row.ts';

// oxfmt-ignore
export const PLUGIN_ROWS = [
  ['PLUGIN_NOT_FOUND', 'error', 'A plugin that the declaration names is not there: no such file, or no such package beside the declaration.', 'Correct the name or the path, or install the package in the folder of the declaration.'],
  ['PLUGIN_BROKEN', 'error', 'A plugin cannot be used: it throws while it is loaded or used, exports no plugin, or does not keep to the contract.', 'Mend the plugin, or tell its authors.'],
  ['PLUGIN_VERSION', 'error', 'A plugin was written for another version of the contract between rebake and its plugins.', 'Update whichever of the two is older.'],
  ['PLUGIN_CONFLICT', 'error', 'Two plugins, or a plugin and rebake itself, bring a kind of the same name.', 'Remove one of them from `plugins`.'],
  ['UNKNOWN_BUILDER_TYPE', 'error', 'A builder is of a type that neither rebake nor a plugin of the declaration brings.', 'Correct the type, or name the plugin that brings it under `plugins`.'],
  ['UNKNOWN_TYPE', 'error', 'A source, nodes or the state are of a type that no plugin of the declaration brings.', 'Correct the type, or name the plugin that brings it under `plugins`.'],
  ['BUILDER_OPTIONS', 'error', 'A builder has options that its kind does not accept.', 'Correct the options.'],
  ['PLUGIN_OPTIONS', 'error', 'A source, nodes or the state have options that their kind does not accept.', 'Correct the options.'],
  ['SOURCE_FAILED', 'error', 'A source could not be read. What it declares is not known, so nothing is planned.', 'Make it readable, and plan again.'],
  ['SOURCE_PARTIAL', 'error', 'A source was read in part only. What is missing must not look as if it had been removed, so nothing is planned.', 'Make the rest readable, and plan again.'],
  ['SOURCE_CONFLICT', 'error', 'Something of the same name is declared twice: by a source, and by the file or another source.', 'Remove or rename one of them.'],
  ['NODES_FAILED', 'error', 'Nodes of a plugin could not be worked out from their options and files.', 'Correct the options, or what they refer to.'],
  ['NODES_BROKEN', 'error', 'A plugin gave nodes that cannot be part of the graph.', 'Mend the plugin, or tell its authors.'],
] as const satisfies readonly KindRow[];
