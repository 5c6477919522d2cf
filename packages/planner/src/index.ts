/** What the planner offers: the ledger, the graph, plans and plan files, names and targets, and accounts of it all. */
export { buildGraph, toGraphology, type Graph } from './graph.ts';
export { judge, keyOf, own, type RoleOf } from './ledger.ts';
export { plan, type Planned } from './plan.ts';
export { graphDigest, planDigest, serializePlan } from './digests.ts';
