import { ApiError, call, read, recordOf, recordsOf, textOf } from './api.js';
import { addEntry, begin, showActions, showDocument, showLive, showNotice, showParts, showState } from './panel.js';
import { pause } from './pause.js';
import { follow } from './stream.js';

/**
 * @typedef {import('./api.js').Fields} Fields
 * @typedef {import('./page.js').Target} Target
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./panel.js').Part} Part
 */

const ended = new Set(['completed', 'failed', 'cancelled']);
/** The start of a job is no event of its workflow: beside its events it is looked at so often, in milliseconds. */
const lookMs = 1_000;

/** Shows a workflow, its steps and what happens to it, until it ends. @param {Target} target @param {Page} page @param {AbortSignal} signal */
export async function followWorkflow(target, page, signal) {
  begin(target.name, target.id);
  const path = `workflows/${encodeURIComponent(target.id)}`;
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  let wake = () => {};
  const told = () =>
    new Promise((resolve) => {
      wake = () => resolve(undefined);
    });

  async function look() {
    const { text, body } = await read(path, signal);
    const workflow = recordOf(body.workflow);
    const state = textOf(workflow.state);
    signal.throwIfAborted();
    showState(state);
    showDocument(text, 'workflow');
    showParts(partsOf(workflow, target, page), page.failed);
    const cancel = async () => {
      await call('DELETE', path);
      await look();
    };
    showActions(ended.has(state) ? [] : [{ name: 'Cancel workflow', style: 'danger', act: cancel }], page.failed);
    return ended.has(state);
  }

  async function listen() {
    for await (const { data: event, name } of follow(
      'events/stream?channel=all&event_types=workflow.*',
      target.place,
      both,
      showLive,
    )) {
      const data = recordOf(event.data);
      if (data.workflow_id !== target.id) continue;
      const kind = name.slice('workflow.'.length);
      addEntry(
        { state: ended.has(kind) ? kind : '', name, detail: detailOf(data), at: textOf(event.time) },
        page.failed,
      );
      wake();
      if (ended.has(kind)) return;
    }
  }

  const listening = listen().catch((error) => {
    if (error instanceof ApiError && error.code === 'unsupported')
      return showNotice('This server keeps no events: the page reads the workflow once a second.');
    if (!both.aborted) throw error;
  });
  try {
    while (!(await look()))
      await Promise.race([pause(lookMs, signal), told(), listening.then(() => pause(lookMs, signal))]);
    // Its last events are on their way.
    await Promise.race([listening, pause(lookMs, signal)]);
    // A callback may have been made with the end.
    await look();
  } finally {
    over.abort();
    showLive(false);
  }
}

/** @param {Fields} workflow @param {Target} target @param {Page} page @returns {readonly Part[]} */
function partsOf(workflow, target, page) {
  const callbacks = Object.values(recordOf(workflow.callbacks)).map(recordOf);
  return [...recordsOf(workflow.steps), ...recordsOf(workflow.jobs), ...callbacks].map((step) => {
    const id = textOf(step.job_id);
    const type = textOf(step.type);
    const name = textOf(step.name) || textOf(step.id);
    const open = () => page.open({ kind: 'job', id, name: type, place: target.place });
    return { name, type, state: textOf(step.state), ...(id !== '' && { action: { name: 'Show job', act: open } }) };
  });
}

/** @param {Fields} data */
function detailOf(data) {
  const left = textOf(data.steps_remaining);
  return [
    textOf(data.callback),
    textOf(data.step_id),
    textOf(data.job_type),
    textOf(recordOf(data.error).message),
    left === '' ? '' : `${left} left`,
  ]
    .filter((text) => text !== '')
    .join(' · ');
}
