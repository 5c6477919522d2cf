/** The matrix as one web page that needs nothing else: a table with a filter, which prints well. */
import { cellCounts, cellWords, envName, type Matrix } from './matrix.ts';

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --ok: #1a7f37; --warn: #9a6700; --bad: #cf222e; --dim: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --ok: #3fb950; --warn: #d29922; --bad: #f85149; --dim: #8b949e; } }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; color: var(--dim); }
input { font: inherit; padding: .35rem .6rem; width: 20rem; max-width: 100%; margin-bottom: 1rem; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem; border-bottom: 1px solid var(--line); }
thead th { position: sticky; top: 0; background: Canvas; cursor: pointer; }
tbody th { font-weight: 600; white-space: nowrap; }
td small { display: block; color: var(--dim); max-width: 26rem; overflow-wrap: anywhere; }
.current { color: var(--ok); }
.stale, .may-change, .missing, .unpublished { color: var(--warn); }
.failed, .never, .unknown { color: var(--bad); }
.not-selected, .unfit { color: var(--dim); }
@media print { input { display: none; } thead th { position: static; } }
`;

const SCRIPT = `
const body = document.querySelector('tbody');
const rows = [...body.rows];
document.querySelector('input').addEventListener('input', ({ target }) => {
  const wanted = target.value.toLowerCase();
  for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
});
document.querySelector('thead tr').addEventListener('click', ({ target }) => {
  const head = target.closest('th');
  if (head === null) return;
  const at = head.cellIndex;
  const down = head.getAttribute('aria-sort') === 'ascending';
  for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const text = (row) => row.cells[at].textContent;
  body.append(...rows.toSorted((a, b) => (down ? -1 : 1) * text(a).localeCompare(text(b))));
});
`;

/** The page. `made`: when, for people. */
export function matrixHtml(matrix: Matrix, made: string): string {
  const words = cellWords(matrix);
  const counts = [...cellCounts(matrix)].filter(([, n]) => n > 0).map(([status, n]) => `${n} ${status}`);
  const head = ['Code env', ...matrix.configs].map((text) => `<th scope="col">${escaped(text)}</th>`).join('');
  const rows = matrix.rows.map((row) => {
    const cells = row.cells.map((cell) => {
      const why = words(cell);
      const more = why === '' ? '' : `<small>${escaped(why)}</small>`;
      return `<td class="${cell.status.replaceAll(' ', '-')}">${cell.status}${more}</td>`;
    });
    return `<tr><th scope="row">${escaped(envName(row))}</th>${cells.join('')}</tr>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>rebake matrix</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Code envs and container configs</h1>
<p>${escaped(counts.join(', '))} · ${escaped(made)}</p>
<input type="search" placeholder="Filter" aria-label="Filter">
<table>
<thead><tr>${head}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
