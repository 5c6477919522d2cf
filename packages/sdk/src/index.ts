/** All that a plugin sees: nodes, builders, plans, events, diagnostics, stores; and the vocabulary of images. */
export * from '@rebake/image';
export * from './builder.ts';
export * from './diagnostic.ts';
export * from './event.ts';
export * from './kind.ts';
export * from './node.ts';
export * from './options.ts';
export * from './plan.ts';
export * from './plugin.ts';
export * from './sent.ts';
export * from './source.ts';
export * from './state.ts';
export * from './store-kind.ts';
