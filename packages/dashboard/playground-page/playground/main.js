import { call, recordOf, textOf } from './api.js';
import { currentKind, onChange, showKind, validText } from './editor.js';
import { byId } from './element.js';
import { onUnauthenticated, routes, send } from './page.js';
import { preview } from './preview.js';
import { startTabs } from './tabs.js';
import { askForToken, startTokenDialog } from './token-dialog.js';

const form = byId('panel', HTMLFormElement);
const sendButton = byId('send', HTMLButtonElement);
let sending = false;

onChange((text) => preview(text, currentKind() === 'cron'));
startTabs((kind) => {
  byId('route', HTMLElement).textContent = `POST /ojs/v1/${routes[kind]}`;
  showKind(kind);
});
onUnauthenticated(askForToken);
startTokenDialog();

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = sending ? null : validText();
  if (text === null) return;
  sending = true;
  sendButton.setAttribute('aria-disabled', 'true');
  await send(currentKind(), text);
  sendButton.removeAttribute('aria-disabled');
  sending = false;
});
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

const server = byId('server', HTMLElement);
try {
  const { body } = await call('GET', '../manifest');
  const { name, version } = recordOf(body.implementation);
  server.textContent = `${textOf(name)} ${textOf(version)} · ${textOf(body.backend)}`;
} catch {
  server.textContent = 'The server cannot be reached';
}
