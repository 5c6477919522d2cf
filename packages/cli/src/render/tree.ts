/** A plan as a tree: release → base image → env image → publication, one line a node, what stays as it is folded. */
import { shortNames } from '@rebake/rebake';
import type { Action, Effort, Node, NodeId } from '@rebake/sdk';
import { plantForest, type Branch } from './forest.ts';
import { reasonsLine, type ReasonContext } from './reasons.ts';
import { effortStyle, type Paint } from './style.ts';

/** What a tree is drawn from. */
export interface TreeInput {
  readonly nodes: readonly Node[];
  readonly actions: readonly Action[];
  /** Heading under which a root stands, such as `DSS 14.1.2`; null: under none. */
  readonly heading: (id: NodeId) => string | null;
  readonly name: (id: NodeId) => string;
  /** Nodes that nothing is done for because an observation or a builder is missing → the node where that arose. */
  readonly blocked: ReadonlyMap<NodeId, NodeId>;
  readonly paint: Paint;
}

/** Widest name that the second column still stands beside; longer ones push it to the right in their own line only. */
const WIDEST = 72;

type Line =
  | { readonly is: 'text'; readonly text: string }
  /** `width`: of `left` without colours. */
  | { readonly is: 'node'; readonly left: string; readonly width: number; readonly right: string };

/** The lines of the tree, joined. */
export function treeText(input: TreeInput): string {
  const actions = new Map(input.actions.map((action) => [action.node, action]));
  const pen = new Pen(input, actions);
  const headings = Map.groupBy(plantForest(input.nodes, actions, input.blocked), (root) => headingOf(root, input));
  for (const [heading, roots] of headings) pen.section(heading, roots);
  const gone = input.actions.filter(({ atMost }) => atMost === 'forget' || atMost === 'delete');
  const stumps = gone.map(({ node }): Branch => ({ id: node, node: null, children: [], quiet: false, size: 1 }));
  if (stumps.length > 0) pen.section('No longer declared', stumps);
  return pen.text();
}

/** An external image has no release of its own: it stands where the first base above it stands. */
function headingOf(branch: Branch, input: TreeInput): string | null {
  const own = input.heading(branch.id);
  const [child] = branch.children;
  return own !== null || child === undefined ? own : headingOf(child, input);
}

/** Draws lines, and aligns them when all are there. */
class Pen {
  readonly #input: TreeInput;
  readonly #actions: ReadonlyMap<NodeId, Action>;
  readonly #reasons: ReasonContext;
  readonly #lines: Line[] = [];

  constructor(input: TreeInput, actions: ReadonlyMap<NodeId, Action>) {
    this.#input = input;
    this.#actions = actions;
    this.#reasons = { name: (id) => input.name(id), reasons: (id) => actions.get(id)?.reasons ?? [] };
  }

  section(heading: string | null, roots: readonly Branch[]): void {
    if (this.#lines.length > 0) this.#lines.push({ is: 'text', text: '' });
    if (heading !== null) this.#lines.push({ is: 'text', text: this.#input.paint('bold', heading) });
    this.#draw(roots, '');
  }

  text(): string {
    const widths = this.#lines.map((line) => (line.is === 'node' ? line.width : 0));
    const column = Math.min(WIDEST, Math.max(0, ...widths)) + 2;
    const texts = this.#lines.map((line) => {
      if (line.is === 'text' || line.right === '') return line.is === 'text' ? line.text : line.left;
      return line.left + ' '.repeat(Math.max(2, column - line.width)) + line.right;
    });
    return texts.map((text) => `${text.trimEnd()}\n`).join('');
  }

  #draw(branches: readonly Branch[], indent: string): void {
    const loud = branches.filter(({ quiet }) => !quiet);
    const folded = branches.reduce((sum, { quiet, size }) => sum + (quiet ? size : 0), 0);
    const labels = shortNames(branches.map(({ id }) => id));
    for (const [index, branch] of loud.entries()) {
      const last = index === loud.length - 1 && folded === 0;
      this.#node(branch, `${indent}${last ? '└─ ' : '├─ '}`, labelOf(branch, labels));
      this.#draw(branch.children, `${indent}${last ? '   ' : '│  '}`);
    }
    if (folded > 0)
      this.#lines.push({ is: 'text', text: `  ${indent}└─ ${this.#input.paint('dim', `${folded} unchanged`)}` });
  }

  #node(branch: Branch, lead: string, label: string): void {
    const { paint, blocked, name } = this.#input;
    const width = 2 + lead.length + label.length;
    const blocker = blocked.get(branch.id);
    if (blocker !== undefined) {
      const why = blocker === branch.id ? 'cannot be planned, see below' : `waits for ${name(blocker)}`;
      this.#lines.push({
        is: 'node',
        left: `${paint('red', '!')} ${lead}${label}`,
        width,
        right: `${paint('red', 'blocked ')}  ${why}`,
      });
      return;
    }
    const action = this.#actions.get(branch.id);
    const effort: Effort = action?.atMost ?? 'keep';
    const { sign, format } = effortStyle(effort);
    const left = `${paint(format, sign)} ${lead}${effort === 'keep' ? paint('dim', label) : label}`;
    const word = (action?.ifChanged.length ?? 0) > 0 ? `${effort}?` : effort;
    const right =
      action === undefined || effort === 'keep'
        ? ''
        : `${paint(format, word.padEnd(8))}  ${reasonsLine(action, this.#reasons)}`;
    this.#lines.push({ is: 'node', left, width, right });
  }
}

/** Below its parent, an image needs no more than what tells it from its siblings; a publication is known by its reference. */
function labelOf({ id, node }: Branch, labels: ReadonlyMap<NodeId, string>): string {
  if (node?.role !== 'publication') return labels.get(id) ?? id;
  const place = node.registry === null ? node.repository : `${node.registry}/${node.repository}`;
  return node.tags.length === 0 ? `${place} (candidate)` : `${place}:${node.tags.join(',')}`;
}
