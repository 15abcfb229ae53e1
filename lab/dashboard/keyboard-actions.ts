import { setTimeout } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import type { DashboardPage } from '../../packages/dashboard/test/dashboard.ts';
import { type Ask, askAt } from './ask.ts';
import { Keyboard } from './keyboard.ts';

type Options = Readonly<Record<string, unknown>>;

/** The shop of the test, by its API. */
export interface Api {
  readonly ask: Ask;
  /** A job of a queue that only it has. */
  push(queue: string, options?: Options): Promise<string>;
  /** A job that a worker has claimed. */
  start(queue: string, options?: Options): Promise<string>;
  fail(queue: string, options: Options): Promise<string>;
  complete(queue: string): Promise<string>;
  /** A bulk operation that takes a long time. */
  slow(queue: string): Promise<string>;
}

export interface Hands {
  readonly page: Page;
  readonly keyboard: Keyboard;
  readonly api: Api;
  /** Another server, whose worker `kb-silent` has been silent for too long, and holds the limit `kb-stuck`. */
  silent(): Promise<DashboardPage>;
}

type Perform = (hands: Hands) => Promise<void>;

const later = { delay_until: '+PT1H' };
const retried = { retry: { max_attempts: 3, initial_interval: 'PT1H' } };
const buried = { retry: { max_attempts: 1, on_exhaustion: 'dead_letter' } };
const head = (page: Page): Locator => page.locator('.page-head');
const why = (page: Page): Locator => page.getByRole('region', { name: 'Why is it not running?' });

/** A button of the page of a job. */
const onJob =
  (make: (api: Api) => Promise<string>, button: string, part: (page: Page) => Locator): Perform =>
  async ({ api, keyboard, page }) => {
    await keyboard.open(`jobs/${await make(api)}`);
    await keyboard.press('button', button, part(page));
  };

/** An item in the menu of a job in the list. */
const onRow =
  (make: (api: Api) => Promise<string>, item: string, confirm?: string): Perform =>
  async ({ api, keyboard }) => {
    const id = await make(api);
    await keyboard.open(`jobs?q=id:${id}`);
    if (confirm === undefined) return keyboard.choose(`Actions of ${id}`, item);
    await keyboard.askByMenu(`Actions of ${id}`, item);
    await keyboard.confirm(confirm);
  };

/** A button of a row that acts at once. */
const onList =
  (place: string, button: string, before?: (api: Api) => Promise<unknown>): Perform =>
  async ({ api, keyboard }) => {
    await before?.(api);
    await keyboard.open(place);
    await keyboard.press('button', button);
  };

const makeCron = (name: string) => (api: Api) =>
  api.ask('POST', 'cron', { name, cron: '0 0 1 1 *', job_template: { type: 'kb.cron', args: [] } });

/** Sends the example of a tab of the playground. */
const send =
  (arrow: string | null): Perform =>
  async ({ keyboard, page }) => {
    await keyboard.open('playground');
    if (arrow !== null) {
      await keyboard.reach(page.getByRole('tab', { name: 'Job', exact: true }));
      await keyboard.key(arrow);
    }
    await keyboard.press('button', /^Send/);
  };

/** By the file of the app that sends it, and the operation. A new one in the app needs its way here. */
export const actions: Readonly<Record<string, Perform>> = {
  'configuration/page admin.setMaintenance': async ({ keyboard, page }) => {
    await keyboard.open('configuration');
    await keyboard.ask('Begin maintenance');
    await keyboard.write('Reason', 'new disks');
    await keyboard.confirm('Begin');
    await page.getByText('(new disks)').waitFor();
    await keyboard.press('button', 'End maintenance');
    await page.getByText('Jobs start as usual.').waitFor();
  },
  'job/remedies admin.setMaintenance': async (hands) => {
    await hands.api.ask('POST', 'admin/system/maintenance', { enabled: true });
    await onJob((api) => api.push('stopped'), 'End maintenance mode', why)(hands);
    await hands.page.getByText('Maintenance mode is over.').waitFor();
  },
  'job/remedies job.activate': onJob((api) => api.push('pending', { pending: true }), 'Activate', why),
  'job/remedies job.edit': onJob((api) => api.push('later', later), 'Start now', why),
  'job/remedies job.retry': onJob((api) => api.fail('retryable', retried), 'Retry now', why),
  'job/remedies queue.resume': async (hands) => {
    const id = await hands.api.push('paused');
    await hands.api.ask('POST', 'queues/paused/pause', {});
    await onJob(async () => id, 'Resume queue paused', why)(hands);
  },
  'job/actions job.activate': onJob((api) => api.push('pending', { pending: true }), 'Activate', head),
  'job/actions job.edit': onJob((api) => api.push('later', later), 'Start now', head),
  'job/actions job.retry': onJob((api) => api.fail('retryable', retried), 'Retry now', head),
  'job/actions job.cancel': async ({ api, keyboard }) => {
    await keyboard.open(`jobs/${await api.push('unwanted')}`);
    await keyboard.ask('Cancel job…');
    await keyboard.confirm('Cancel the job');
  },
  'job/actions job.discard': async ({ api, keyboard }) => {
    await keyboard.open(`jobs/${await api.push('unwanted')}`);
    await keyboard.askByMenu('More', 'Discard…');
    await keyboard.confirm('Discard the job');
  },
  'job/actions job.purgeHistory': async ({ api, keyboard }) => {
    await keyboard.open(`jobs/${await api.complete('done')}`);
    await keyboard.askByMenu('More', 'Delete history…');
    await keyboard.confirm('Delete the history');
  },
  'job/change-dialog job.edit': async ({ api, keyboard }) => {
    await keyboard.open(`jobs/${await api.push('later', later)}`);
    await keyboard.ask('Edit…');
    await keyboard.write('Priority', '7');
    await keyboard.confirm('Save changes');
  },
  'job/change-dialog job.rerun': async ({ api, keyboard }) => {
    await keyboard.open(`jobs/${await api.complete('done')}`);
    await keyboard.ask('Run again…');
    await keyboard.write('Arguments', '[2.50]');
    await keyboard.confirm('Run again');
  },
  'jobs/row-actions job.retry': onRow((api) => api.fail('retryable', retried), 'Retry'),
  'jobs/row-actions job.edit': onRow((api) => api.push('later', later), 'Start now'),
  'jobs/row-actions job.rerun': onRow((api) => api.complete('done'), 'Run again'),
  'jobs/row-actions job.cancel': onRow((api) => api.push('unwanted'), 'Cancel', 'Cancel the job'),
  'jobs/row-actions job.discard': onRow((api) => api.push('unwanted'), 'Discard', 'Discard the job'),
  'jobs/bulk-dialog bulk.start': async ({ api, keyboard, page }) => {
    const id = await api.push('chosen');
    await keyboard.open('jobs?q=queue:chosen');
    await keyboard.check(`Select ${id}`);
    await keyboard.ask('Cancel', page.getByRole('region', { name: 'Chosen jobs' }));
    await keyboard.confirm('Cancel 1 job');
  },
  'jobs/bulk-strip bulk.undo': async ({ api, keyboard, page }) => {
    await api.push('matching');
    await keyboard.open('jobs?q=queue:matching');
    await keyboard.askByMenu('All that match', 'Cancel…');
    await keyboard.confirm('Cancel 1 job');
    await keyboard.press('button', 'Undo', page.getByRole('region', { name: 'Notifications' }));
  },
  'bulk/controls bulk.stop': async ({ api, keyboard, page }) => {
    await keyboard.open(`bulk/${await api.slow('slow-1')}`);
    await keyboard.press('button', 'Stop');
    await page.getByText('The operation stops after the current step.').waitFor();
  },
  'bulk/controls bulk.resume': async ({ api, keyboard }) => {
    const id = await api.slow('slow-2');
    await api.ask('POST', `admin/bulk/${id}/stop`, {});
    await keyboard.open(`bulk/${id}`);
    await keyboard.press('button', 'Resume');
  },
  'bulk/controls bulk.undo': async ({ api, keyboard }) => {
    await api.push('regretted');
    const { id } = await api.ask('POST', 'admin/bulk', { action: 'cancel', query: 'queue:regretted', confirm: true });
    await keyboard.open(`bulk/${id}`);
    await keyboard.ask('Undo');
    await keyboard.confirm('Start the undo');
  },
  'dead-letter/page deadLetter.retry': async ({ api, keyboard }) => {
    const id = await api.fail('buried', buried);
    await keyboard.open('dead-letter?queue=buried');
    await keyboard.press('button', `Retry kb.job ${id}`);
  },
  'crons/cron-buttons cron.trigger': onList('crons', 'Run now: kb-cron', makeCron('kb-cron')),
  'crons/cron-buttons cron.pause': onList('crons', 'Pause kb-cron'),
  'crons/cron-buttons cron.resume': onList('crons', 'Resume kb-cron'),
  'crons/preview cron.preview': async ({ keyboard }) => {
    await keyboard.open('crons');
    await keyboard.ask('New cron');
  },
  'crons/edit-cron cron.register': async ({ keyboard, page }) => {
    await keyboard.open('crons');
    await keyboard.ask('New cron');
    await keyboard.write('Name', 'kb-made');
    await keyboard.write('Job type', 'kb.job');
    await keyboard.write('Time zone', 'UTC');
    await keyboard.write('Arguments', '[1.0]');
    await keyboard.confirm('Save');
    await page.getByRole('heading', { level: 1, name: 'kb-made' }).waitFor();
  },
  'crons/edit-cron cron.update': async ({ api, keyboard, page }) => {
    await makeCron('kb-changed')(api);
    await keyboard.open('crons/kb-changed');
    await keyboard.ask('Change');
    await keyboard.write('Job type', 'kb.other');
    await keyboard.confirm('Save');
    await page.getByText('kb.other').first().waitFor();
  },
  'cron/page cron.remove': async ({ api, keyboard }) => {
    await makeCron('kb-gone')(api);
    await keyboard.open('crons/kb-gone');
    await keyboard.ask('Delete…');
    await keyboard.confirm('Delete');
  },
  'playground/use-send job.enqueue': send(null),
  'playground/use-send workflow.create': send('ArrowRight'),
  'playground/use-send cron.register': send('ArrowLeft'),
  'playground/follow-job job.cancel': async (hands) => {
    await send(null)(hands);
    await hands.keyboard.press('button', 'Cancel job');
  },
  'playground/follow-job deadLetter.retry': async ({ api, keyboard }) => {
    await keyboard.open(`playground?follow=job:${await api.fail('buried', buried)}`);
    await keyboard.press('button', 'Retry from dead letter');
  },
  'playground/follow-workflow workflow.cancel': async (hands) => {
    await send('ArrowRight')(hands);
    await hands.keyboard.press('button', 'Cancel workflow');
  },
  'playground/follow-cron cron.remove': async (hands) => {
    await send('ArrowLeft')(hands);
    await hands.keyboard.ask('Delete cron…');
    await hands.keyboard.confirm('Delete');
  },
  'limit/free bulk.cancel': async ({ api, keyboard }) => {
    await api.start('held', { rate_limit: { key: 'kb-held', concurrency: 1 } });
    await keyboard.open('limits/kb-held');
    await keyboard.ask('Free slots…');
    await keyboard.check('Also free slots of workers that may be alive');
    await keyboard.confirm('Cancel 1 job');
  },
  'limit/free worker.remove': async ({ silent }) => {
    await using dashboard = await silent();
    const keyboard = new Keyboard(dashboard.page, dashboard.url);
    await keyboard.open('limits/kb-stuck');
    await keyboard.ask('Free slots…');
    await keyboard.confirm('Remove 1 worker');
    await dashboard.page.getByText('Freed slots of kb-stuck.').waitFor();
  },
  'limit/override limit.override': async ({ api, keyboard, page }) => {
    await api.push('limited', { rate_limit: { key: 'kb-limit', concurrency: 1 } });
    await keyboard.open('limits/kb-limit');
    await keyboard.ask('Override');
    await keyboard.write('Running at once', '3');
    await keyboard.pick('Ends', 'in a day');
    await keyboard.confirm('Override');
    await page.getByText('overridden').waitFor();
  },
  'limit/page limit.restore': onList('limits/kb-limit', 'Remove override'),
  'audit/entry queue.configure': async ({ api, keyboard }) => {
    for (const concurrency of [1, 2]) await api.ask('PUT', 'queues/audited/config', { concurrency });
    await keyboard.open('audit?type=queue&about=audited');
    await keyboard.ask('queue.configured');
    await keyboard.confirm('Restore the settings from before');
  },
  'queue/edit-configuration queue.configure': async ({ api, keyboard }) => {
    await api.push('bounded');
    await keyboard.open('queues/bounded');
    await keyboard.ask('Change limits');
    await keyboard.write('Running at once', '5');
    await keyboard.confirm('Save');
  },
  'queues/new-queue queue.create': async ({ keyboard, page }) => {
    await keyboard.open('queues');
    await keyboard.ask('New queue');
    await keyboard.write('Name', 'kb-new');
    await keyboard.confirm('Create');
    await page.getByRole('heading', { level: 1, name: 'kb-new' }).waitFor();
  },
  'queue/queue-menu queue.delete': async ({ api, keyboard }) => {
    await api.ask('POST', 'queues', { name: 'kb-empty' });
    await keyboard.open('queues/kb-empty');
    await keyboard.askByMenu('More', 'Delete queue…');
    await keyboard.write('Type kb-empty to confirm', 'kb-empty');
    await keyboard.confirm('Delete queue');
  },
  'queue/queue-menu queue.purge': async ({ api, keyboard }) => {
    await api.complete('purged');
    await keyboard.open('queues/purged');
    await keyboard.askByMenu('More', 'Delete jobs…');
    await keyboard.confirm('Delete 1 job');
  },
  'queues/pause-button queue.pause': onList('queues', 'Pause halted', (api) => api.push('halted')),
  'queues/pause-button queue.resume': onList('queues', 'Resume halted'),
  'schemas/dialogs schema.register': async ({ keyboard, page }) => {
    await keyboard.open('schemas');
    await keyboard.ask('New schema');
    await keyboard.write('Job type', 'kb.schema');
    await keyboard.pick('Mode', 'warn');
    await keyboard.write('JSON Schema of the arguments', '{"type":"array"}');
    await keyboard.confirm('Register');
    await page.getByRole('button', { name: 'kb.schema' }).waitFor();
  },
  'schemas/dialogs schema.deleteVersion': async ({ keyboard, page }) => {
    await keyboard.open('schemas');
    await keyboard.ask('kb.schema');
    await keyboard.ask('Delete…', page.locator('dialog[open]'));
    await keyboard.confirm('Delete');
  },
  'tokens/dialogs token.create': async ({ keyboard, page }) => {
    await keyboard.open('tokens');
    await keyboard.ask('New token');
    await keyboard.write('Name', 'kb');
    await keyboard.confirm('Create token');
    await page.getByRole('dialog', { name: 'Secret of kb' }).waitFor();
    await keyboard.confirm('Done');
  },
  'tokens/dialogs token.rotate': async ({ keyboard, page }) => {
    await keyboard.open('tokens');
    await keyboard.askByMenu('Actions for kb', 'Rotate secret…');
    await keyboard.confirm('Create secret');
    await page.getByRole('dialog', { name: 'Secret of kb' }).waitFor();
    await keyboard.confirm('Done');
  },
  'tokens/dialogs token.revoke': async ({ keyboard }) => {
    await keyboard.open('tokens');
    await keyboard.askByMenu('Actions for kb', 'Revoke…');
    await keyboard.confirm('Revoke');
  },
  'workers/page worker.direct': async ({ keyboard, page }) => {
    await keyboard.open('workers');
    await keyboard.check('Select kb-live');
    await keyboard.press('button', 'Quiet', page.getByRole('region', { name: 'Selected workers' }));
    await page.getByText('Told 1 worker.').waitFor();
    await keyboard.press('button', 'Resume kb-live');
  },
  'workers/worker-buttons worker.quiet': onList('workers', 'Quiet kb-live'),
  'workers/worker-buttons worker.resume': onList('workers', 'Resume kb-live'),
  'workers/worker-buttons worker.stop': async ({ keyboard }) => {
    await keyboard.open('workers');
    await keyboard.ask('Stop kb-live…');
    await keyboard.confirm('Stop the worker');
  },
  'workers/worker-buttons worker.remove': async ({ silent }) => {
    await using dashboard = await silent();
    const keyboard = new Keyboard(dashboard.page, dashboard.url);
    await keyboard.open('workers');
    await keyboard.ask('Remove kb-silent…');
    await keyboard.confirm('Remove the worker');
    await dashboard.page.getByText('Removed kb-silent.').waitFor();
  },
  'workflow/page workflow.cancel': async ({ api, keyboard }) => {
    const steps = [{ type: 'kb.step', args: [], options: { queue: 'steps' } }];
    const { workflow } = await api.ask('POST', 'workflows', { type: 'chain', name: 'kb-chain', steps });
    await keyboard.open(`workflows/${idIn(workflow)}`);
    await keyboard.ask('Cancel workflow…');
    await keyboard.confirm('Cancel workflow');
  },
  'workflow/again workflow.retry': async ({ api, keyboard }) => {
    await keyboard.open(`workflows/${await failedWorkflow(api, 'kb-retried')}`);
    await keyboard.ask('Retry workflow…');
    await keyboard.confirm('Retry workflow');
  },
  'workflow/again workflow.rerun': async ({ api, keyboard }) => {
    await keyboard.open(`workflows/${await failedWorkflow(api, 'kb-rerun')}`);
    await keyboard.ask('Run again…');
    await keyboard.confirm('Run again');
  },
};

/** @param queue that no other test uses, because a retried step waits in its queue. */
async function failedWorkflow({ ask }: Api, queue: string): Promise<string> {
  const steps = [{ type: 'kb.step', args: [], options: { queue, retry: { max_attempts: 1 } } }];
  const { workflow } = await ask('POST', 'workflows', { type: 'chain', name: 'kb-failed', steps });
  const { jobs } = await ask('POST', 'workers/fetch', { queues: [queue], worker_id: 'kb-worker', wait_ms: 10_000 });
  const job_id = idIn(Array.isArray(jobs) ? jobs[0] : null);
  const error = { type: 'Error', message: 'it failed' };
  await ask('POST', 'workers/nack', { job_id, worker_id: 'kb-worker', error });
  return idIn(workflow);
}

/** @param secret of an administrator. */
export function apiAt(url: string, secret: string): Api {
  const ask = askAt(url, secret);
  const push: Api['push'] = async (queue, options = {}) =>
    idIn((await ask('POST', 'jobs', { type: 'kb.job', args: [1], options: { queue, ...options } })).job);
  const start: Api['start'] = async (queue, options) => {
    const id = await push(queue, options);
    // An earlier job of the queue may come first.
    for (;;) {
      const { jobs } = await ask('POST', 'workers/fetch', { queues: [queue], worker_id: 'kb-worker', count: 10 });
      if (Array.isArray(jobs) && jobs.some((job) => idIn(job) === id)) return id;
      await setTimeout(20);
    }
  };
  const settle = (how: 'ack' | 'nack', id: string, more: object) =>
    ask('POST', `workers/${how}`, { job_id: id, worker_id: 'kb-worker', ...more });
  return {
    ask,
    push,
    start,
    async fail(queue, options) {
      const id = await start(queue, options);
      await settle('nack', id, { error: { type: 'Error', message: 'it failed' } });
      return id;
    },
    async complete(queue) {
      const id = await start(queue);
      await settle('ack', id, { result: null });
      return id;
    },
    async slow(queue) {
      for (let index = 0; index < 60; index++) await push(queue);
      const body = { action: 'cancel', query: `queue:${queue}`, rate: 1, confirm: true };
      return idIn(await ask('POST', 'admin/bulk', body));
    },
  };
}

function idIn(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string') return value.id;
  throw new Error('The answer has no id.');
}
