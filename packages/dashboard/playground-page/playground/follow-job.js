import { ApiError, call, read, recordOf, textOf } from './api.js';
import { addEntry, begin, showActions, showDocument, showLive, showNotice, showProgress, showState } from './panel.js';
import { pause } from './pause.js';
import { follow } from './stream.js';

/**
 * @typedef {import('./api.js').Fields} Fields
 * @typedef {import('./stream.js').StreamEvent} StreamEvent
 * @typedef {import('./page.js').Target} Target
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./panel.js').Action} Action
 */

const ended = new Set(['completed', 'cancelled', 'discarded', 'expired']);
/** A job that waits for longer has no worker that takes it, in milliseconds. */
const patienceMs = 3_000;
/** Between looks where nothing can be followed, in milliseconds. */
const pollMs = 1_000;

/** Shows a job and what happens to it, until it ends. @param {Target} target @param {Page} page @param {AbortSignal} signal */
export async function followJob(target, page, signal) {
  begin(target.name, target.id);
  const path = `jobs/${encodeURIComponent(target.id)}`;
  const look = looking(path, target, page, signal);
  let state = textOf((await look()).state);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let doubt;
  const reached = (/** @type {string} */ next) => {
    state = next;
    clearTimeout(doubt);
    showNotice('');
    if (next === 'available')
      doubt = setTimeout(
        () =>
          showNotice(
            'No worker has fetched this job yet. npm start runs one for the examples. A worker needs its queue and its type.',
          ),
        patienceMs,
      );
  };
  reached(state);
  signal.addEventListener('abort', () => clearTimeout(doubt), { once: true });
  try {
    for await (const event of follow(`${path}/events?event_types=job.*`, target.place, signal, showLive)) {
      const next = show(event, page);
      if (next === null) continue;
      reached(next);
      showState(next);
      await look();
    }
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'unsupported')) throw error;
    showNotice('This server keeps no events: the page reads the job once a second.');
    for (let seen = ''; !ended.has(seen); await pause(pollMs, signal)) {
      const job = await look();
      if (job.state === seen) continue;
      seen = textOf(job.state);
      addEntry({ state: seen, name: 'seen', at: new Date().toISOString() }, page.failed);
    }
  }
  clearTimeout(doubt);
  showLive(false);
  await look();
}

/** Reads the job and shows it as it is now. @param {string} path @param {Target} target @param {Page} page @param {AbortSignal} signal @returns {() => Promise<Fields>} */
function looking(path, target, page, signal) {
  return async () => {
    const { text, body } = await read(path, signal);
    const job = recordOf(body.job);
    const wanted = await actionsFor(textOf(job.state), path, target, page, signal);
    signal.throwIfAborted();
    showState(textOf(job.state));
    showDocument(text, 'job');
    showActions(wanted, page.failed);
    return job;
  };
}

/** @param {string} state @param {string} path @param {Target} target @param {Page} page @param {AbortSignal} signal @returns {Promise<readonly Action[]>} */
async function actionsFor(state, path, target, page, signal) {
  if (!ended.has(state)) {
    return [{ name: 'Cancel job', style: 'danger', act: async () => void (await call('DELETE', path)) }];
  }
  if (state !== 'discarded') return [];
  const letter = `dead-letter/${encodeURIComponent(target.id)}`;
  const found = await read(letter, signal).catch((error) => {
    // Discarded for good, or the token may not look there.
    if (error instanceof ApiError && error.status > 0 && error.status < 500) return null;
    throw error;
  });
  if (found === null) return [];
  const retry = async () => {
    await call('POST', `${letter}/retry`);
    page.open(target);
  };
  return [{ name: 'Retry from dead letter', style: 'primary', act: retry }];
}

/** Adds the event to the list. @param {StreamEvent} event @param {Page} page @returns {string | null} the state that the job has come to; null where it stayed as it was */
function show({ id, name, data: sent }, page) {
  if (name === 'job.state_changed') {
    // Between two places stands a change that another event tells more about.
    if (id.includes('.')) return null;
    const to = textOf(sent.to);
    addEntry({ state: to, name, detail: `was ${textOf(sent.from)}`, at: textOf(sent.timestamp) }, page.failed);
    return to;
  }
  if (name === 'job.progress') {
    showProgress(Number(sent.progress) || 0, textOf(sent.message));
    return null;
  }
  if (!name.startsWith('job.') || name === 'job.heartbeat') return null;
  const data = recordOf(sent.data);
  addEntry({ state: textOf(data.state), name, detail: detailOf(name, data), at: textOf(sent.time) }, page.failed);
  return textOf(data.state);
}

/** @param {string} name @param {Fields} data */
function detailOf(name, data) {
  const error = recordOf(data.error ?? data.last_error);
  const said = [textOf(error.type), textOf(error.message)].filter((text) => text !== '').join(': ');
  const details = {
    'job.scheduled': `until ${localTime(data.scheduled_at)}`,
    'job.started': `attempt ${textOf(data.attempt)}`,
    'job.completed': `after ${textOf(data.duration_ms)} ms`,
    'job.failed': `attempt ${textOf(data.attempt)}: ${said}`,
    'job.retrying': `next attempt at ${localTime(data.next_retry_at)}`,
    'job.discarded': `after ${textOf(data.total_attempts)} ${data.total_attempts === 1 ? 'attempt' : 'attempts'}`,
  };
  return /** @type {{ readonly [name: string]: string }} */ (details)[name] ?? said;
}

/** @param {unknown} at */
function localTime(at) {
  const date = new Date(textOf(at));
  return Number.isNaN(date.getTime()) ? textOf(at) : date.toLocaleTimeString();
}
