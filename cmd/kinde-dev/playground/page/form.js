// The form: from a request to its fields and back.
import { byID, element } from './elements.js';

let start, sample;
const jsonHeaders = [
  { name: 'Accept', value: 'application/json, text/event-stream' }, { name: 'Content-Type', value: 'application/json' },
];

export function fill(answer) {
  start = answer;
  byID('scene').append(element('option', { value: '' }, 'of your own'),
    ...start.scenes.map((scene, n) => element('option', { value: n }, scene.name)));
  byID('broken').append(...start.broken.map(name => element('option', { value: name }, name)));
  byID('scene').addEventListener('change', () => show(start.scenes[byID('scene').value]));
  byID('actor').addEventListener('change', showSample);
  byID('tool').addEventListener('change', callTool);
  byID('form').addEventListener('input', event => { if (event.target.id !== 'scene') byID('scene').value = ''; });
  byID('scene').value = '0';
  show(start.scenes[0]);
}

// show fills the fields with a request.
function show(request) {
  if (!request) return;
  const token = request.token;
  byID('actor').value = token ? token.actor || 'user' : '';
  for (const name of ['user', 'org', 'broken', 'lifetime']) byID(name).value = token?.[name] || '';
  for (const name of ['audience', 'permissions', 'roles', 'scopes']) byID(name).value = (token?.[name] || []).join(' ');
  byID('flags').value = Object.entries(token?.flags || {}).map(([key, value]) => key + '=' + value).join(' ');
  byID('method').value = request.method;
  byID('path').value = request.path;
  byID('headers').value = request.headers.map(header => header.name + ': ' + header.value).join('\n');
  byID('body').value = request.body;
  byID('tool').value = toolIn(request.body);
  showSample();
}

// showSample shows in grey what an empty field stands for.
function showSample() {
  const actor = byID('actor').value;
  sample = actor === 'system' ? start.sample.Machine : start.sample.User;
  const flags = Object.entries(sample.feature_flags || {}).map(([key, flag]) => key + '=' + flag.v);
  const hints = { org: [sample.org_code], user: [sample.sub], audience: sample.aud, permissions: sample.permissions,
    roles: (sample.roles || []).map(role => role.key), scopes: sample.scp, flags, lifetime: [sample.exp - sample.iat] };
  for (const [name, values] of Object.entries(hints)) byID(name).placeholder = (values || []).join(' ');
  for (const field of document.querySelectorAll('#form .fields:first-of-type input, #broken')) {
    if (field.closest('fieldset').querySelector('#actor')) field.disabled = actor === '';
  }
  for (const field of document.querySelectorAll('.user input')) field.disabled = actor !== 'user';
}

// callTool makes the request a call of the MCP tool that is named.
function callTool() {
  const name = byID('tool').value.trim();
  if (name === '') {
    Object.assign(byID('method'), { value: 'GET' });
    Object.assign(byID('path'), { value: start.agent_path });
    byID('headers').value = byID('body').value = '';
    return;
  }
  const wanted = name === 'get_forecast' ? { city: 'Lisbon' } : { station: 'lis-1' };
  byID('method').value = 'POST';
  byID('path').value = start.mcp_path;
  byID('headers').value = jsonHeaders.map(header => header.name + ': ' + header.value).join('\n');
  byID('body').value = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: wanted } });
}

function toolIn(body) {
  try { return JSON.parse(body).params?.name || ''; } catch { return ''; }
}

// read is the request in the fields.
export function read() {
  const headers = byID('headers').value.split('\n').filter(line => line.trim()).map(line => {
    const [name, ...value] = line.split(':');
    return { name: name.trim(), value: value.join(':').trim() };
  });
  return { token: token(), method: byID('method').value.trim(), path: byID('path').value.trim(), headers, body: byID('body').value };
}

function token() {
  const actor = byID('actor').value;
  if (actor === '') return null;
  const asked = {};
  if (actor !== 'user') asked.actor = actor;
  for (const name of ['user', 'org', 'broken']) if (given(name)) asked[name] = byID(name).value.trim();
  for (const name of ['audience', 'permissions', 'roles', 'scopes']) if (given(name)) asked[name] = items(name);
  if (given('flags')) asked.flags = Object.fromEntries(items('flags').map(item => item.split(/=(.*)/, 2)));
  if (given('lifetime')) asked.lifetime = Number(byID('lifetime').value);
  return asked;
}

const given = name => !byID(name).disabled && byID(name).value.trim() !== '';

function items(name) {
  const all = byID(name).value.split(/[\s,]+/).filter(item => item);
  return all.length === 1 && all[0] === 'none' ? [] : all;
}
