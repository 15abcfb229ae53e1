import { ApiError, call } from './api.js';
import { byId } from './element.js';
import { isToken, storedToken, storeToken } from './token.js';

const dialog = byId('token-dialog', HTMLDialogElement);
const input = byId('token', HTMLInputElement);
const problem = byId('token-problem', HTMLElement);
const opener = byId('token-open', HTMLButtonElement);

/** Where the page asked by itself for a token. */
export function askForToken() {
  problem.textContent = storedToken() === null ? 'This server needs a token.' : 'The server refuses this token.';
  if (!dialog.open) dialog.showModal();
}

/** Asks for a token at once where the server wants one. */
export function startTokenDialog() {
  byId('token-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const token = input.value.trim();
    if (!isToken(token)) {
      problem.textContent = 'A token has letters, digits and signs, and no spaces.';
      input.focus();
      return;
    }
    storeToken(token);
    close();
    probe();
  });
  byId('token-forget', HTMLButtonElement).addEventListener('click', () => {
    storeToken(null);
    close();
  });
  byId('token-cancel', HTMLButtonElement).addEventListener('click', close);
  opener.addEventListener('click', () => {
    problem.textContent = '';
    dialog.showModal();
  });
  showHeld();
  probe();
}

function close() {
  input.value = '';
  dialog.close();
  showHeld();
}

function showHeld() {
  opener.textContent = storedToken() === null ? 'Token' : 'Token is set';
}

/** Something that any token may ask for tells whether one is needed, and known. */
function probe() {
  call('GET', 'events?limit=1').catch((error) => {
    if (error instanceof ApiError && error.status === 401) askForToken();
  });
}
