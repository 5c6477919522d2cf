/** Kinds of work that `resolve` can be asked for, by name. */
import { WORKLOADS as TABLE } from '@rebake/model';

/** Names of the kinds of work that DSS runs in containers. */
export const WORKLOADS: readonly string[] = Object.keys(TABLE);
