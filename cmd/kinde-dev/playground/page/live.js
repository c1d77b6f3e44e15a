// What happens meanwhile: the decisions of all clients, and the state of the stack.
import { byID, element } from './elements.js';

const most = 100;

export function listen() {
  const events = new EventSource('/api/events');
  events.addEventListener('open', () => byID('list').replaceChildren());
  events.addEventListener('decision', event => add(JSON.parse(event.data)));
  events.addEventListener('state', event => showState(JSON.parse(event.data)));
  events.addEventListener('error', () => { byID('state').textContent = 'kinde-dev up has ended, or does not answer.'; });
}

function add({ status, line }) {
  const actor = { user: 'user', system: 'machine' }[line.actor];
  const who = actor && line.org_code ? `${actor} of ${line.org_code}` : actor || '';
  const missing = line.missing?.length ? 'missing ' + line.missing.join(', ') : '';
  const says = [line.mcp_tool, who, missing, line.hint].filter(text => text).join(' · ');
  byID('list').prepend(element('li', {},
    element('code', {}, new Date(line.time).toLocaleTimeString()),
    element('code', { className: line.decision === 'allow' ? 'good' : 'bad' }, `${status || ''} ${line.reason}`),
    element('code', {}, `${line.method} ${line.path}`),
    says ? element('span', { className: 'soft' }, says) : ''));
  while (byID('list').children.length > most) byID('list').lastChild.remove();
  byID('none-yet').hidden = true;
}

function showState(state) {
  const parts = [state.running ? 'kinde-authz runs' : 'kinde-authz is dead', state.outage ? 'the issuer is down' : 'the issuer answers'];
  byID('state').textContent = parts.join(', ') + `, key ${state.key_id} signs.`;
  byID('state').className = state.running && !state.outage ? 'soft' : 'wait';
  const useless = { kill: !state.running, start: state.running, 'issuer-down': state.outage, 'issuer-up': !state.outage };
  for (const button of document.querySelectorAll('#breaks button')) button.disabled = Boolean(useless[button.dataset.what]);
}
