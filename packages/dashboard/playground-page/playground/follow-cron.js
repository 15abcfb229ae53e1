import { ApiError, call, read, recordOf, textOf } from './api.js';
import { addEntry, begin, showActions, showDocument, showLive, showNotice, showState } from './panel.js';
import { follow } from './stream.js';

/**
 * @typedef {import('./page.js').Target} Target
 * @typedef {import('./page.js').Page} Page
 */

/** Shows a cron and the jobs that it sends, until it is deleted. @param {Target} target @param {Page} page @param {AbortSignal} signal */
export async function followCron(target, page, signal) {
  begin(target.name, 'cron');
  const path = `cron/${encodeURIComponent(target.id)}`;

  async function look() {
    const { text, body } = await read(path, signal);
    const cron = recordOf(body.cron);
    const enabled = cron.enabled === true;
    signal.throwIfAborted();
    showState(enabled ? 'enabled' : 'paused');
    showDocument(text, 'cron');
    showNotice(
      enabled
        ? `Next run at ${localTime(cron.next_run_at)}. The cron runs until you delete it.`
        : 'A paused cron enqueues nothing.',
    );
    /** @param {string} method @param {string} at */
    const change = async (method, at) => {
      await call(method, at);
      await look();
    };
    const remove = async () => {
      await call('DELETE', path);
      page.close(target);
    };
    showActions(
      [
        { name: 'Run now', style: 'primary', act: () => change('POST', `${path}/trigger`) },
        enabled
          ? { name: 'Pause', act: () => change('POST', `${path}/pause`) }
          : { name: 'Resume', act: () => change('POST', `${path}/resume`) },
        { name: 'Delete cron', style: 'danger', act: remove },
      ],
      page.failed,
    );
  }

  await look();
  try {
    for await (const { data: event, name } of follow(
      'events/stream?channel=all&event_types=cron.*',
      target.place,
      signal,
      showLive,
    )) {
      const data = recordOf(event.data);
      if (data.cron_name !== target.id) continue;
      const id = textOf(data.job_id);
      const type = textOf(data.job_type);
      const open = () => page.open({ kind: 'job', id, name: type, place: target.place });
      const action = id === '' ? {} : { action: { name: 'Show job', act: open } };
      addEntry(
        { state: '', name, detail: textOf(data.reason) || type, at: textOf(event.time), ...action },
        page.failed,
      );
      await look();
    }
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'unsupported')) throw error;
    showNotice('This server keeps no events, so the runs of the cron cannot be followed.');
  }
}

/** @param {unknown} at */
function localTime(at) {
  return at === null ? '–' : new Date(textOf(at)).toLocaleString();
}
