// No module is reached again from itself by static imports, types included: what needs each other is one module.
import type { Finding, Workspace } from '../workspace.ts';

export function cycles(workspace: Workspace): Finding[] {
  const next = new Map(
    workspace.modules.map(({ file, imports }) => [
      file,
      imports.flatMap(({ target, when }) => (target.to === 'module' && when === 'static' ? [target.file] : [])),
    ]),
  );
  const done = new Set<string>();
  const path: string[] = [];
  const found: Finding[] = [];
  const visit = (file: string): void => {
    const again = path.indexOf(file);
    if (again >= 0) {
      const message = `import cycle: ${[...path.slice(again), file].join(' → ')}`;
      found.push({ file, message, help: 'Move what both sides need into a module of its own.' });
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of next.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of next.keys()) visit(file);
  return found;
}
