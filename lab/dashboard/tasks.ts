import { Client, chain, httpTransport } from '@ojs-ts/sdk';
import { fail } from '../../packages/cli/test/support/work.ts';
import type { Operator } from './operator.ts';

export interface Scene {
  readonly wanted: string;
  readonly declined: string;
  readonly cancelled: string;
  readonly waiting: string;
  readonly later: string;
  readonly single: string;
}

/** The few jobs that the tasks are about, beside those that fill the store. */
export async function setScene(url: string): Promise<Scene> {
  await using client = new Client(url);
  await using wire = httpTransport(url);
  const post = async (operation: 'worker.fetch' | 'worker.nack' | 'worker.ack' | 'worker.heartbeat', body: object) =>
    JSON.parse((await wire.call({ operation, body: JSON.stringify(body) })).text);
  const declined = await client.enqueue('pay.now', [{ user: 7 }], { queue: 'pay', retry: { maxAttempts: 1 } });
  const [claimed] = (await post('worker.fetch', { queues: ['pay'], worker_id: 'till' })).jobs;
  const error = { type: 'Refused', message: 'The card declined it: card declined.' };
  await post('worker.nack', { job_id: claimed.id, error });
  const wanted = await client.enqueue('mail.send', [{ user: 42 }], { queue: 'mail', meta: { tenant: 'acme' } });
  const waiting = await client.enqueue('mail.send', [{ user: 43 }], { queue: 'mail', meta: { tenant: 'other' } });
  const cancelled = await client.enqueue('mail.send', [42], { queue: 'mail' });
  await client.cancelJob(cancelled.id);
  const later = await client.enqueue('mail.send', [], { queue: 'later', delay: '1h' });
  await client.enqueue('done.job', [], { queue: 'done' });
  const [done] = (await post('worker.fetch', { queues: ['done'], worker_id: 'till' })).jobs;
  await post('worker.ack', { job_id: done.id });
  await post('worker.heartbeat', { worker_id: 'bad', active_jobs: [], queues: ['other'] });
  await client.enqueue('call.api', [], { queue: 'api', limits: [{ key: 'api-key', concurrency: 1 }] });
  await post('worker.fetch', { queues: ['api'], worker_id: 'stuck' });
  const single = await client.enqueue('call.api', ['once'], { queue: 'single', unique: { keys: ['type', 'args'] } });
  await client.registerCronJob('nightly', '30 2 * * *', 'report.make', [], { timezone: 'Europe/Berlin' });
  const steps = ['first.step', 'second.step'].map((type) => ({ type, args: [] }));
  await client.workflow(chain('steps', steps));
  await fail(url, 3, 'Gone', 'dead_letter');
  for (const concurrency of [3, 9])
    await wire.call({ operation: 'queue.configure', params: { name: 'mail' }, body: JSON.stringify({ concurrency }) });
  return {
    wanted: wanted.id,
    declined: declined.id,
    cancelled: cancelled.id,
    waiting: waiting.id,
    later: later.id,
    single: single.id,
  };
}

export interface Task {
  readonly name: string;
  readonly run: (operator: Operator, scene: Scene) => Promise<void>;
}

/** A list of jobs by a query, until it has the job. */
const find = (name: string, query: string, id: (scene: Scene) => string): Task => ({
  name,
  run: async (operator, scene) => {
    await operator.click('link', 'Jobs');
    await operator.fill('Query', query);
    // The list without the query may have the job, too, but then it also has this one.
    const link = (job: string) => operator.page.locator(`a[href*="jobs/${job}"]`).first();
    await link(scene.later).waitFor({ state: 'hidden' });
    await operator.sees(link(id(scene)));
  },
});

const task = (name: string, run: Task['run']): Task => ({ name, run });

/** In an order that leaves each what it needs. */
export const tasks: readonly Task[] = [
  // First, because a worker without a heartbeat is soon one to remove and no more one to stop.
  task('See which workers live, and what they run', async (o) => {
    await o.click('link', 'Workers');
    await o.sees(o.page.getByRole('link', { name: 'bad' }));
  }),
  task('Stop a bad worker', async (o) => {
    await o.click('link', 'Workers');
    await o.click('button', 'Stop bad…');
    await o.click('button', 'Stop the worker');
    await o.sees(/^Told bad to stop\./);
  }),
  find('Find jobs by an argument', 'args[0].user:42', ({ wanted }) => wanted),
  find('Find jobs by the text of their error', 'state:discarded error~"card declined"', ({ declined }) => declined),
  find('Find the jobs of a tenant', 'meta.tenant:acme', ({ wanted }) => wanted),
  find('Find the jobs that hold unique keys', 'type:call.api unique:*', ({ single }) => single),
  task('See which errors are the most frequent', async (o) => {
    await o.sees(o.page.getByRole('region', { name: 'Most frequent errors' }).getByRole('link'));
  }),
  task('Run all failures of one error again', async (o) => {
    await o.click('link', /^Error\d+: /, 'the error in Top errors');
    await o.page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
    await o.click('button', 'All that match');
    await o.click('menuitem', 'Retry…');
    await o.click('button', /^Retry [\d,+]+ jobs$/, 'Retry N jobs');
    await o.sees(/[\d,]+ jobs retried\./);
  }),
  task('Ask which tenant has the most jobs', async (o) => {
    await o.click('link', 'Jobs');
    await o.fill('Query', 'meta.tenant:');
    await o.sees(o.page.getByRole('option').filter({ hasText: /\d+ jobs/ }));
  }),
  task('Ask why a job does not run', async (o, { wanted }) => {
    await o.address(`jobs/${wanted}`, 'jobs/JOB');
    await o.sees(o.page.getByRole('region', { name: 'Why is it not running?' }).getByText(/worker/));
  }),
  task('Let a waiting job start before others', async (o, { waiting }) => {
    await o.address(`jobs/${waiting}`, 'jobs/JOB');
    await o.click('button', 'Edit…');
    await o.fill('Priority', '100');
    await o.click('button', 'Save changes');
    await o.sees('The job is changed.');
  }),
  task('Run an ended job again, with other arguments', async (o, { cancelled }) => {
    await o.address(`jobs/${cancelled}`, 'jobs/JOB');
    await o.click('button', 'Run again…');
    await o.fill('Arguments', '[43]');
    await o.click('button', 'Run again');
    await o.sees('A new job is enqueued.');
  }),
  task('Start a scheduled job now', async (o, { later }) => {
    await o.address(`jobs/${later}`, 'jobs/JOB');
    await o.click('button', 'Start now');
    await o.sees('The job may start now.');
  }),
  task('See how many jobs a cancel would end', async (o) => {
    await o.click('link', 'Jobs');
    await o.fill('Query', 'queue:mail');
    await o.page.waitForURL(/q=queue/);
    await o.click('button', 'All that match');
    await o.click('menuitem', 'Cancel…');
    await o.sees(/would change/);
  }),
  task('Undo a wrong bulk cancel', async (o) => {
    await o.click('link', 'Bulk operations');
    const cancel = o.page.getByRole('row').filter({ hasText: 'queue:wrong' });
    await cancel.waitFor();
    await o.click('button', 'Undo');
    await o.click('button', 'Start the undo');
    await o.page.waitForURL(/bulk\/[0-9a-f]/);
    await o.sees('done');
  }),
  task('Run the dead letter again, slowly', async (o) => {
    await o.address('dead-letter?queue=failing-gone', 'dead-letter?queue=QUEUE');
    await o.click('button', 'Retry these…');
    await o.fill('At most, jobs per second', '50');
    await o.click('button', 'Retry 3 jobs');
    await o.sees('3 jobs retried');
  }),
  task('Wait until a queue is empty', async (o) => {
    await o.address('queues/pay', 'queues/QUEUE');
    await o.click('button', 'More');
    await o.click('menuitem', 'Watch it drain');
    await o.sees('The queue is drained');
  }),
  task('Delete what a queue has finished', async (o) => {
    await o.address('queues/done', 'queues/QUEUE');
    await o.click('button', 'More');
    await o.click('menuitem', 'Delete jobs…');
    await o.click('button', 'Delete 1 job');
    await o.sees('Deleted 1 job of done.');
  }),
  task('See the settings that a queue had before', async (o) => {
    await o.address('queues/mail', 'queues/QUEUE');
    await o.click('link', 'Earlier settings');
    await o.click('link', 'queue.configured');
    await o.sees(o.page.getByRole('dialog').getByText('"before"'));
  }),
  task('Give a queue the settings back that it had', async (o) => {
    await o.address('queues/mail', 'queues/QUEUE');
    await o.click('link', 'Earlier settings');
    await o.click('link', 'queue.configured');
    await o.click('button', 'Restore the settings from before');
    await o.sees('mail has the settings again that it had before.');
  }),
  task('Export the jobs of a queue', async (o) => {
    await o.click('link', 'Jobs');
    await o.fill('Query', 'queue:mail');
    await o.page.waitForURL(/q=queue/);
    await o.click('button', 'Export…');
    await o.sees('ojs jobs export --query queue:mail > jobs.ndjson');
  }),
  task('Ask what is wrong', async (o) => {
    await o.click('link', 'Doctor');
    await o.sees('unread_queue');
  }),
  task('See which jobs hold the slots of a limit', async (o) => {
    await o.address('limits/api-key', 'limits/KEY');
    await o.sees(o.page.getByRole('region', { name: 'Jobs: Who holds it' }).getByRole('link', { name: 'call.api' }));
  }),
  task('Change a limit', async (o) => {
    await o.address('limits/api-key', 'limits/KEY');
    await o.click('button', 'Override');
    await o.fill('Running at once', '5');
    await o.press('Enter');
    await o.sees('Overrode api-key.');
  }),
  task('Give a limit its own numbers back', async (o) => {
    await o.address('limits/api-key', 'limits/KEY');
    await o.click('button', 'Remove override');
    await o.sees('The override of api-key is removed.');
  }),
  task('Free a key that is stuck', async (o) => {
    await o.address('limits/api-key', 'limits/KEY');
    await o.click('button', 'Free slots…');
    await o.clickOn(o.page.getByLabel('Also free slots of workers that may be alive'), 'Also free …');
    await o.click('button', 'Remove 1 worker');
    await o.sees('Freed slots of api-key.');
  }),
  task('See the next runs across a change of the clocks', async (o) => {
    await o.address('crons/nightly', 'crons/CRON');
    await o.fill('From', '2027-03-27');
    await o.sees('Clocks go forward');
  }),
  task('Run a cron now', async (o) => {
    await o.click('link', 'Crons');
    await o.click('button', 'Run now: nightly', 'Run now');
    await o.sees('Enqueued a run of nightly.');
  }),
  task('See a workflow as a graph', async (o) => {
    await o.click('link', 'Workflows');
    await o.click('link', 'steps', 'the workflow');
    await o.sees(o.page.getByRole('link', { name: 'first.step' }));
  }),
  task('See a workflow with its steps', async (o) => {
    await o.click('link', 'Workflows');
    await o.click('link', 'steps', 'the workflow');
    await o.click('tab', 'Waterfall');
    await o.sees('second.step');
  }),
  task('See how long the oldest job of each queue waits', async (o) => {
    await o.click('link', 'Queues');
    await o.sees(o.page.getByRole('row').filter({ hasText: 'single' }).getByText('ago'));
  }),
  task('See the last hour', async (o) => {
    await o.sees(o.page.getByRole('img', { name: /^Jobs each minute, / }));
  }),
  task('See the percentiles of the last hour', async (o) => {
    await o.sees(/p50 .*, p99 /);
  }),
  task('Ask who cancelled or deleted a job', async (o, { cancelled }) => {
    await o.click('link', 'Audit');
    await o.fill('About', cancelled);
    await o.press('Enter');
    await o.sees('job.cancelled');
  }),
  task('See who changed many jobs at once', async (o) => {
    await o.click('link', 'Bulk operations');
    await o.sees(o.page.getByRole('row').filter({ hasText: 'queue:wrong' }).getByText('anonymous'));
  }),
  task('Stop the start of jobs for a change of the database', async (o) => {
    await o.click('link', 'Configuration');
    await o.click('button', 'Begin maintenance');
    await o.fill('Reason', 'migration');
    await o.press('Enter');
    await o.sees('(migration)');
  }),
  task('Let a colleague look and change nothing', async (o) => {
    await o.click('link', 'Tokens');
    await o.click('button', 'New token');
    await o.fill('Name', 'colleague');
    await o.press('Enter');
    await o.sees('Secret of colleague');
  }),
  task('See whose token an entry of the audit log names', async (o) => {
    await o.click('link', 'Tokens');
    await o.sees(o.page.getByRole('row').filter({ hasText: 'colleague' }).getByRole('link'));
  }),
  task('Change the secret of a token', async (o) => {
    await o.click('link', 'Tokens');
    await o.click('button', 'Actions for colleague', 'Actions');
    await o.click('menuitem', 'Rotate secret…');
    await o.click('button', 'Create secret');
    await o.sees('Secret of colleague');
  }),
];

/** Of these a page is no place. */
export const elsewhere: ReadonlyMap<string, string> = new Map([
  ['See the number behind an alert on the age of a backlog', 'no page: Prometheus reads `/metrics`'],
]);
