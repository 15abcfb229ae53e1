import { ApiError, call, recordOf, textOf } from './api.js';
import { byId, element } from './element.js';
import { hideFailure, showFailure } from './failure.js';
import { followCron } from './follow-cron.js';
import { followJob } from './follow-job.js';
import { followWorkflow } from './follow-workflow.js';
import { currentPlace } from './stream.js';

/**
 * @typedef {import('./examples.js').Kind} Kind
 * @typedef {{ readonly kind: Kind, readonly id: string, readonly name: string, readonly place: string | null }} Target what is followed, and from which place in the
 *   log of events on
 * @typedef {{ readonly open: (target: Target) => void, readonly close: (target: Target) => void, readonly failed: (error: unknown) => void }} Page
 */

/** @type {{ readonly [kind in Kind]: string }} */
export const routes = { job: 'jobs', workflow: 'workflows', cron: 'cron' };
const followers = { job: followJob, workflow: followWorkflow, cron: followCron };
const maxHistory = 8;

const history = byId('history', HTMLElement);
/** @type {readonly Target[]} */
let targets = [];
let following = new AbortController();
/** @type {() => void} */
let askForToken = () => {};

/** @type {Page} */
export const page = { open, close, failed };

/** @param {() => void} ask */
export function onUnauthenticated(ask) {
  askForToken = ask;
}

/** Sends what was written, and shows what becomes of it. @param {Kind} kind @param {string} text */
export async function send(kind, text) {
  hideFailure();
  try {
    const place = await currentPlace(new AbortController().signal);
    const { body } = await call('POST', routes[kind], text);
    const made = recordOf(body[kind]);
    if (kind === 'cron') open({ kind, id: textOf(made.name), name: textOf(made.name), place });
    else open({ kind, id: textOf(made.id), name: textOf(made.name) || textOf(made.type), place });
  } catch (error) {
    failed(error);
  }
  bringIntoView();
}

/** Where the cards stand below each other, what happens would be out of sight. */
function bringIntoView() {
  const heading = byId('run-heading', HTMLElement);
  if (heading.getBoundingClientRect().bottom > innerHeight) heading.scrollIntoView({ block: 'start' });
}

/** @param {Target} target */
function open(target) {
  following.abort();
  following = new AbortController();
  const { signal } = following;
  hideFailure();
  const same = (/** @type {Target} */ { kind, id }) => kind === target.kind && id === target.id;
  if (!targets.some(same)) targets = [target, ...targets].slice(0, maxHistory);
  showHistory(target);
  followers[target.kind](target, page, signal).catch((error) => {
    if (!signal.aborted) failed(error);
  });
}

/** @param {Target} target it is no more */
function close(target) {
  following.abort();
  targets = targets.filter(({ kind, id }) => kind !== target.kind || id !== target.id);
  showHistory(null);
  byId('run', HTMLElement).hidden = true;
  byId('empty', HTMLElement).hidden = false;
  byId('run-heading', HTMLElement).focus();
}

/** @param {unknown} error */
function failed(error) {
  if (error instanceof ApiError && error.status === 401) askForToken();
  showFailure(error, (id) => open({ kind: 'job', id, name: 'job', place: null }));
}

/** @param {Target | null} current */
function showHistory(current) {
  history.hidden = targets.length < 2;
  history.replaceChildren(
    ...targets.map((target) => {
      const { kind, id, name } = target;
      const made = element(
        'button',
        { type: 'button', class: 'chip', title: id },
        name,
        element('span', {}, kind === 'cron' ? 'cron' : id.slice(-6)),
      );
      if (current?.id === id && current.kind === kind) made.setAttribute('aria-current', 'true');
      made.addEventListener('click', () => open(target));
      return made;
    }),
  );
}
