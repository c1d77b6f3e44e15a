// The page: what its buttons do.
import { byID, post } from './elements.js';
import { fill, read } from './form.js';
import { listen } from './live.js';
import { showFault, showResult } from './result.js';

let first; // the settings at the start

async function send() {
  const button = byID('send');
  if (button.disabled) return;
  button.disabled = true;
  const request = read();
  try { showResult(request, await post('/api/send', request)); } catch (error) { showFault(error); }
  button.disabled = false;
  if (document.activeElement === document.body) button.focus({ preventScroll: true }); // it lost it while it waited
}

async function settings(save) {
  const says = byID('settings-says');
  try {
    const verdict = await post('/api/settings', { text: byID('settings').value, save });
    says.className = verdict.ok ? 'good' : 'bad';
    says.textContent = verdict.says;
  } catch (error) {
    says.className = 'bad';
    says.textContent = error.message;
  }
}

async function breakIt(event) {
  const { what } = event.target.dataset;
  if (!what) return;
  byID('broke').textContent = '…';
  try { byID('broke').textContent = (await post('/api/break', { what })).says; } catch (error) { byID('broke').textContent = error.message; }
}

const answer = await (await fetch('/api/start')).json();
fill(answer);
first = answer.settings;
byID('settings').value = first;
byID('settings-path').textContent = answer.settings_path;
byID('envoy').textContent = answer.envoy;
byID('form').addEventListener('submit', event => { event.preventDefault(); send(); });
document.addEventListener('keydown', event => { if (event.key === 'Enter' && event.ctrlKey) send(); });
byID('check').addEventListener('click', () => settings(false));
byID('save').addEventListener('click', () => settings(true));
byID('revert').addEventListener('click', () => { byID('settings').value = first; });
byID('breaks').addEventListener('click', breakIt);
listen();
document.body.dataset.ready = 'yes';
