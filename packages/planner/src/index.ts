/** What the planner offers: the ledger, the graph, plans and plan files, names and targets, and accounts of it all. */
export { checkPlan, type PlanCheck, type Stale } from './check.ts';
export { graphDigest, planDigest, serializePlan } from './digests.ts';
export { explain, type EqualInput, type EqualParent, type Explanation } from './explain.ts';
export { buildGraph, toGraphology, type Graph } from './graph.ts';
export { judge, keyOf, own, type RoleOf } from './ledger.ts';
export { means, shortNames } from './names.ts';
export { parsePlan, planJsonSchema, type ParsedPlan } from './plan-file.ts';
export { plan, type Planned } from './plan.ts';
export { accessNeeds } from './presence.ts';
export { remainingMs } from './remaining.ts';
export { selectNodes, type Selection, type TargetProblem } from './targets.ts';
export { isDelegated } from './trust.ts';
