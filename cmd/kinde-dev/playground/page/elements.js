// What the page is made of. Texts become text nodes, so that nothing in them runs.

export const byID = id => document.getElementById(id);

export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter(child => child !== null));
  return made;
}

// table is one with a row header in each row.
export function table(heads, rows) {
  const head = element('tr', {}, ...heads.map(text => element('th', { scope: 'col' }, text)));
  const body = rows.map(({ cells: [first, ...rest], className = '' }) => element('tr', { className },
    element('th', { scope: 'row' }, first), ...rest.map(cell => element('td', {}, cell))));
  return element('table', {}, element('thead', {}, head), element('tbody', {}, ...body));
}

// post sends a document to the server of the page and returns its answer.
export async function post(path, document) {
  const response = await fetch(path, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(document),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}
