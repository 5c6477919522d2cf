/** A plan as a tree: release → base image → env image → publication, one line a node, what stays as it is folded. */
import type { Action, Effort, Node, NodeId } from '@rebake/sdk';
import { reasonsLine, type ReasonContext } from './reasons.ts';
import { effortStyle, type Paint } from './style.ts';

/** What a tree is drawn from. */
export interface TreeInput {
  readonly nodes: readonly Node[];
  readonly actions: readonly Action[];
  /** Heading under which a root stands, such as `DSS 14.1.2`; null: under none. */
  heading(id: NodeId): string | null;
  name(id: NodeId): string;
  /** Nodes that nothing is done for because an observation or a builder is missing → the node where that arose. */
  readonly blocked: ReadonlyMap<NodeId, NodeId>;
  readonly paint: Paint;
}

interface Branch {
  readonly id: NodeId;
  readonly children: Branch[];
  /** Whether this node and everything below it is kept. */
  quiet: boolean;
}

interface Line {
  readonly left: string;
  /** Width of `left` without colours. */
  readonly width: number;
  readonly effort: string;
  readonly format: ReturnType<typeof effortStyle>['format'];
  readonly reason: string;
}

/** The lines of the tree, joined. Empty when everything is kept. */
export function treeText(input: TreeInput): string {
  const actions = new Map(input.actions.map((action) => [action.node, action]));
  const context: ReasonContext = { name: input.name, reasons: (id) => actions.get(id)?.reasons ?? [] };
  const roots = plant(input, actions);
  const lines: (Line | string)[] = [];
  for (const [heading, branches] of headings(roots, input)) {
    if (lines.length > 0) lines.push('');
    if (heading !== null) lines.push(input.paint('bold', heading));
    draw(branches, heading === null ? null : '', lines, actions, context, input);
  }
  const gone = input.actions.filter(({ atMost }) => atMost === 'forget' || atMost === 'delete');
  if (gone.length > 0) {
    lines.push('', input.paint('bold', 'No longer declared'));
    draw(
      gone.map(({ node }) => ({ id: node, children: [], quiet: false })),
      '',
      lines,
      actions,
      context,
      input,
    );
  }
  return align(lines, input.paint);
}

/** The forest by first parents; nodes whose first parent is not in the plan are roots. */
function plant(input: TreeInput, actions: ReadonlyMap<NodeId, Action>): readonly Branch[] {
  const branches = new Map<NodeId, Branch>();
  const roots: Branch[] = [];
  const ordered: { branch: Branch; parent: Branch | undefined }[] = [];
  for (const node of input.nodes) {
    if (!actions.has(node.id)) continue;
    const branch: Branch = { id: node.id, children: [], quiet: true };
    branches.set(node.id, branch);
    const first = node.parents[0];
    const parent = first === undefined ? undefined : branches.get(first);
    (parent === undefined ? roots : parent.children).push(branch);
    ordered.push({ branch, parent });
  }
  for (const { branch, parent } of ordered.toReversed()) {
    const action = actions.get(branch.id);
    if (action?.atMost !== 'keep' || input.blocked.has(branch.id)) branch.quiet = false;
    if (parent !== undefined && !branch.quiet) parent.quiet = false;
  }
  return roots;
}

function headings(roots: readonly Branch[], input: TreeInput): ReadonlyMap<string | null, Branch[]> {
  const groups = new Map<string | null, Branch[]>();
  for (const root of roots) {
    const heading = headingBelow(root, input);
    const group = groups.get(heading);
    if (group === undefined) groups.set(heading, [root]);
    else group.push(root);
  }
  return groups;
}

/** An external image has no release of its own: it stands where the first base above it stands. */
function headingBelow(branch: Branch, input: TreeInput): string | null {
  const own = input.heading(branch.id);
  if (own !== null) return own;
  const child = branch.children[0];
  return child === undefined ? null : headingBelow(child, input);
}

function draw(
  branches: readonly Branch[],
  indent: string | null,
  lines: (Line | string)[],
  actions: ReadonlyMap<NodeId, Action>,
  context: ReasonContext,
  input: TreeInput,
): void {
  const loud = branches.filter(({ quiet }) => !quiet);
  const folded = branches.filter(({ quiet }) => quiet).reduce((sum, branch) => sum + size(branch), 0);
  const last = loud.length + (folded > 0 ? 1 : 0) - 1;
  const lead = (index: number): string => (indent === null ? '' : `${indent}${index === last ? '└─ ' : '├─ '}`);
  for (const [index, branch] of loud.entries()) {
    lines.push(lineOf(branch.id, lead(index), actions.get(branch.id), context, input));
    const below = indent === null ? '' : `${indent}${index === last ? '   ' : '│  '}`;
    draw(branch.children, below, lines, actions, context, input);
  }
  if (folded > 0) lines.push(`  ${lead(last)}${input.paint('dim', `${folded} unchanged`)}`);
}

function size(branch: Branch): number {
  return branch.children.reduce((sum, child) => sum + size(child), 1);
}

function lineOf(id: NodeId, lead: string, action: Action | undefined, context: ReasonContext, input: TreeInput): Line {
  const name = input.name(id);
  const blocker = input.blocked.get(id);
  if (blocker !== undefined) {
    const reason = blocker === id ? 'cannot be planned, see below' : `waits for ${input.name(blocker)}`;
    return { left: `! ${lead}${name}`, width: 2 + lead.length + name.length, effort: 'blocked', format: 'red', reason };
  }
  const effort: Effort = action?.atMost ?? 'keep';
  const { sign, format } = effortStyle(effort);
  const left = `${input.paint(format, sign)} ${lead}${effort === 'keep' ? input.paint('dim', name) : name}`;
  const word = effort === 'keep' ? '' : effort + ((action?.ifChanged.length ?? 0) > 0 ? '?' : '');
  return {
    left,
    width: 2 + lead.length + name.length,
    effort: word,
    format,
    reason: reasonsLine(action?.reasons ?? [], context),
  };
}

function align(lines: readonly (Line | string)[], paint: Paint): string {
  let widest = 0;
  for (const line of lines) if (typeof line !== 'string') widest = Math.max(widest, line.width);
  const column = Math.min(widest, 72) + 2;
  return lines
    .map((line) => {
      if (typeof line === 'string') return `${line}\n`;
      if (line.effort === '') return `${line.left}\n`;
      const gap = ' '.repeat(Math.max(2, column - line.width));
      return `${line.left}${gap}${paint(line.format, line.effort.padEnd(8))}  ${line.reason}`.trimEnd() + '\n';
    })
    .join('');
}
