// What came of a request.
import { byID, element, table } from './elements.js';

export function showFault(error) {
  verdict('bad', 'Not sent.', error.message);
  byID('result').replaceChildren();
}

export function showResult(sent, result) {
  const allowed = result.status < 400;
  const says = [result.reason, result.meaning].filter(text => text).join(': ');
  verdict(allowed ? 'good' : result.reason ? 'bad' : 'wait', `${result.status} ${result.status_text}`, says);
  const parts = [
    result.hint ? element('p', {}, element('strong', {}, 'To change it: '), result.hint) : null,
    times(result), headers(sent, result), ...steps(result),
    json('Envoy’s access log', result.access), json('kinde-authz’s log', result.decision), answer(result), ...copies(result),
  ];
  byID('result').replaceChildren(...parts.filter(part => part !== null));
}

function verdict(className, status, says) {
  byID('verdict').className = 'state ' + className;
  byID('verdict').replaceChildren(element('strong', {}, status), ' ', element('span', {}, says));
}

function times(result) {
  const access = result.access?.milliseconds, decision = result.decision?.duration_ms;
  const parts = [`${result.milliseconds.toFixed(1)} ms with the connection`];
  if (access !== undefined) parts.push(`${access} ms by Envoy’s log`);
  if (decision !== undefined) parts.push(`${decision.toFixed(3)} ms for the decision`);
  return element('p', { className: 'soft', id: 'times' }, parts.join(', ') + '.');
}

// folded is a header's name as servers take it that make variables of headers.
const folded = name => name.toLowerCase().replace(/[^a-z0-9]/g, '-');

function headers(sent, result) {
  if (result.blind) return element('p', { id: 'upstream' }, 'What your own service gets is not seen here: look at its log.');
  if (!result.upstream) return element('p', { id: 'upstream' }, 'The agent never saw the request.');
  const mark = name => folded(name).startsWith('x-kinde') || name === 'authorization';
  const typed = new Map(sent.headers.map(header => [header.name.toLowerCase(), header.value]));
  if (sent.token && !typed.has('authorization')) typed.set('authorization', 'Bearer (the token)');
  const got = new Map(result.upstream.map(header => [header.name, header.value]));
  const names = [...new Set([...typed.keys(), ...got.keys()])].filter(name => typed.has(name) || mark(name)).sort();
  const rows = names.map(name => ({
    cells: [name, typed.get(name) ?? '', got.get(name) ?? 'removed'],
    className: typed.has(name) && mark(name) && typed.get(name) !== got.get(name) && name !== 'authorization' ? 'decided' : '',
  }));
  return element('div', { id: 'upstream' }, element('h3', {}, 'Headers: what the client sent, what the agent got'),
    table(['Header', 'Sent', 'Arrived'], rows));
}

function steps(result) {
  const parts = [element('h3', {}, 'How it was decided')];
  if (result.unexplained) parts.push(element('p', { className: 'wait' }, result.unexplained));
  const explained = result.explanation;
  if (!explained) return parts;
  const named = outcome => explained.steps.filter(step => step.outcome === outcome).map(step => step.step);
  const asked = explained.steps.filter(step => step.outcome === 'passed' || step.outcome === 'decided');
  parts.push(element('div', { id: 'steps' }, table(['Step', 'Outcome'], asked.map(step => ({
    cells: [step.step, step.outcome === 'decided' ? '→ ' + explained.reason : step.outcome],
    className: step.outcome === 'decided' ? 'decided' : '',
  })))));
  for (const outcome of ['not configured', 'not reached']) {
    if (named(outcome).length) parts.push(element('p', { className: 'soft' }, `${outcome}: ${named(outcome).join(', ')}.`));
  }
  const facts = ['route', 'policy', 'resource', 'mcp_method', 'mcp_tool', 'detail', 'missing'].filter(name => explained[name]);
  if (facts.length > 0) parts.push(element('p', {}, facts.map(name => `${name.replace('_', ' ')}: ${explained[name]}`).join('; ')));
  return parts;
}

function json(title, value) {
  if (!value) return null;
  return element('details', { open: title.startsWith('Envoy') }, element('summary', {}, title), element('pre', {}, JSON.stringify(value)));
}

function answer(result) {
  const lines = result.headers.map(header => header.name + ': ' + header.value).join('\n');
  return element('details', {}, element('summary', {}, 'The whole answer'), element('pre', {}, lines + '\n\n' + result.body));
}

function copies(result) {
  return [copy('curl', 'As curl', result.curl, ''), copy('case', 'As a case for kinde-authz test', result.case, result.no_case)];
}

function copy(id, title, text, instead) {
  if (!text) return element('details', { id }, element('summary', {}, title), element('p', {}, instead));
  const button = element('button', { type: 'button' }, 'Copy');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  });
  return element('details', { id }, element('summary', {}, title), element('pre', {}, text), button);
}
