/** Short names of nodes: how they are shown, and which names mean a node when a person types one. */
import type { NodeId } from '@rebake/sdk';

/** The parts of `ROLE/…/NAME@BASE#PLATFORM`. `path` is the part before `@`; missing parts are null. */
interface Parts {
  readonly path: string;
  readonly base: string | null;
  readonly platform: string | null;
}

function partsOf(name: string): Parts {
  const hash = name.indexOf('#');
  const body = hash < 0 ? name : name.slice(0, hash);
  const at = body.lastIndexOf('@');
  return {
    path: at < 0 ? body : body.slice(0, at),
    base: at < 0 ? null : body.slice(at + 1),
    platform: hash < 0 ? null : name.slice(hash + 1),
  };
}

/** `env/python/glm` → `env/glm`: the role stays, what lies between goes. */
function withoutMiddle(path: string): string {
  const first = path.indexOf('/');
  const last = path.lastIndexOf('/');
  return first === last ? path : path.slice(0, first) + path.slice(last);
}

/** The forms of an id, longest first: whole, without platform, without base, without what is between role and name. */
function formsOf(id: NodeId): readonly string[] {
  const { path, base } = partsOf(id);
  return [id, base === null ? path : `${path}@${base}`, path, withoutMiddle(path)];
}

/**
 * A name for each node, as short as it stays unique among the given ones: `env/python/glm@python#linux/amd64` loses its platform, then its base, then
 * its language, each only while no other node would be called the same. The role always stays.
 */
export function shortNames(ids: Iterable<NodeId>): Map<NodeId, string> {
  const forms = new Map<NodeId, readonly string[]>();
  const uses: Map<string, number>[] = [];
  for (const id of ids) {
    if (forms.has(id)) continue;
    const own = formsOf(id);
    forms.set(id, own);
    for (const [level, form] of own.entries()) {
      const counts = (uses[level] ??= new Map());
      counts.set(form, (counts.get(form) ?? 0) + 1);
    }
  }
  const names = new Map<NodeId, string>();
  const taken = new Map<string, number>();
  for (const [id, own] of forms) {
    const firstShared = own.findIndex((form, level) => uses[level]?.get(form) !== 1);
    const name = own[(firstShared < 0 ? own.length : firstShared) - 1] ?? id;
    names.set(id, name);
    taken.set(name, (taken.get(name) ?? 0) + 1);
  }
  // A short name of one node may be the whole id of another; whole ids never clash.
  for (const [id, name] of names) if (taken.get(name) !== 1) names.set(id, id);
  return names;
}

/**
 * Whether a typed name can mean a node: the whole id, or its end from some `/` on, with or without the role in front, and with or without `@BASE` and
 * `#PLATFORM`. So `glm`, `python/glm`, `env/glm`, `glm@python` and `glm#linux/arm64` mean `env/python/glm@python#linux/arm64`.
 */
export function means(typed: string, id: NodeId): boolean {
  if (typed === id) return true;
  const name = partsOf(typed);
  const node = partsOf(id);
  if (name.path === '') return false;
  if (name.base !== null && name.base !== node.base) return false;
  if (name.platform !== null && name.platform !== node.platform) return false;
  if (endsAtSlash(node.path, name.path)) return true;
  const slash = name.path.indexOf('/');
  return (
    slash > 0 &&
    node.path.startsWith(name.path.slice(0, slash + 1)) &&
    endsAtSlash(node.path, name.path.slice(slash + 1))
  );
}

function endsAtSlash(path: string, end: string): boolean {
  return path === end || (end !== '' && path.endsWith(`/${end}`));
}

/** The part of an id that people remember: its last piece, without base and platform. */
export function plainName(name: string): string {
  const { path } = partsOf(name);
  return path.slice(path.lastIndexOf('/') + 1);
}
