import { badge, button, byId, element } from './element.js';
import { pieces } from './json.js';

/**
 * @typedef {{ readonly name: string, readonly style?: 'primary' | 'danger', readonly act: () => Promise<void> | void }} Action
 * @typedef {{ readonly state: string, readonly name: string, readonly detail?: string, readonly at: string, readonly action?: Action }} Entry
 * @typedef {{ readonly name: string, readonly type: string, readonly state: string, readonly action?: Action }} Part
 */

/** More events than these push the oldest out of the page. */
const maxEntries = 500;

const run = byId('run', HTMLElement);
const state = byId('state', HTMLElement);
const actions = byId('actions', HTMLElement);
const notice = byId('notice', HTMLElement);
const events = byId('events', HTMLOListElement);
const shownDocument = byId('document', HTMLPreElement);
const parts = byId('parts', HTMLElement);
const partsList = byId('parts-list', HTMLUListElement);
const progress = byId('progress', HTMLElement);
const copy = byId('copy', HTMLButtonElement);

let documentText = '';
copy.addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(documentText);
    copy.textContent = 'Copied';
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, 1_500);
  } catch {
    // Not allowed, or not there: a page that did not come by https from elsewhere has no clipboard.
    getSelection()?.selectAllChildren(shownDocument);
  }
});

/** Empties the panel for another subject. @param {string} name @param {string} id */
export function begin(name, id) {
  byId('empty', HTMLElement).hidden = true;
  run.hidden = false;
  byId('subject', HTMLElement).textContent = name;
  byId('subject-id', HTMLElement).textContent = id;
  events.replaceChildren();
  partsList.replaceChildren();
  state.replaceChildren();
  actions.replaceChildren();
  for (const one of [notice, parts, progress]) one.hidden = true;
  showDocument('');
  showLive(false);
}

/** @param {string} name */
export function showState(name) {
  if (state.textContent !== name) state.replaceChildren(badge(name));
}

/** @param {boolean} live whether events come in */
export function showLive(live) {
  byId('live', HTMLElement).hidden = !live;
}

/** @param {string} text '' for none */
export function showNotice(text) {
  notice.hidden = text === '';
  if (notice.textContent !== text) notice.textContent = text;
}

/** @param {number} percent @param {string} text */
export function showProgress(percent, text) {
  progress.hidden = false;
  byId('progress-bar', HTMLProgressElement).value = percent;
  byId('progress-text', HTMLElement).textContent = `${percent} % ${text}`;
}

/** @param {string} text JSON, as it came @param {string} [key] of what is to be shown of it */
export function showDocument(text, key) {
  const laidOut = pieces(text, key);
  documentText = laidOut.map((piece) => piece.text).join('');
  shownDocument.replaceChildren(
    ...laidOut.map(({ kind, text: part }) => (kind === 'mark' ? part : element('span', { class: kind }, part))),
  );
}

/** @param {readonly Action[]} wanted @param {(error: unknown) => void} failed */
export function showActions(wanted, failed) {
  const names = wanted.map(({ name }) => name).join('\n');
  if (actions.dataset.names === names && actions.childElementCount > 0) return;
  const focused = actions.contains(document.activeElement);
  actions.dataset.names = names;
  actions.replaceChildren(...wanted.map((action) => actionButton(action, failed)));
  // The button that was pressed is gone: whoever uses the keyboard goes on from here.
  if (focused) byId('run-heading', HTMLElement).focus();
}

/** @param {readonly Part[]} wanted @param {(error: unknown) => void} failed */
export function showParts(wanted, failed) {
  parts.hidden = wanted.length === 0;
  const focused = [...partsList.children].findIndex((row) => row.contains(document.activeElement));
  partsList.replaceChildren(
    ...wanted.map(({ name, type, state: stateOfPart, action }) => {
      const about = element('span', { class: 'part-name' }, element('b', {}, name), ` ${type}`);
      return element('li', {}, badge(stateOfPart), about, ...(action ? [actionButton(action, failed, 'link')] : []));
    }),
  );
  if (focused >= 0) partsList.children[focused]?.querySelector('button')?.focus();
}

/** @param {Entry} entry @param {(error: unknown) => void} failed */
export function addEntry({ state: reached, name, detail = '', at, action }, failed) {
  const atEnd = events.scrollTop + events.clientHeight > events.scrollHeight - 40;
  const time = element('time', { datetime: at, title: at }, clockTime(at));
  const what = element(
    'span',
    { class: 'what' },
    element('code', {}, name),
    ...(detail === '' ? [] : [element('span', { class: 'detail' }, detail)]),
  );
  events.append(
    element(
      'li',
      {},
      time,
      ...(reached === '' ? [] : [badge(reached)]),
      what,
      ...(action ? [actionButton(action, failed, 'link')] : []),
    ),
  );
  if (events.childElementCount > maxEntries) events.firstElementChild?.remove();
  if (atEnd) events.scrollTop = events.scrollHeight;
}

/** @param {Action} action @param {(error: unknown) => void} failed @param {string} [look] */
function actionButton({ name, style, act }, failed, look = '') {
  let busy = false;
  const once = async () => {
    if (busy) return;
    busy = true;
    // Not `disabled`, which would take the focus away.
    made.setAttribute('aria-disabled', 'true');
    try {
      await act();
    } catch (error) {
      failed(error);
    } finally {
      busy = false;
      made.removeAttribute('aria-disabled');
    }
  };
  const made = button(name, once, style ?? look);
  return made;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

/** @param {string} at RFC 3339 */
function clockTime(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : clock.format(date);
}
