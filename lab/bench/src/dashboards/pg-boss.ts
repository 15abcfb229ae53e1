import type { Operator } from '../../../dashboard/operator.ts';
import type { Way, Ways } from './way.ts';

/** A list of jobs that a filter on `data` or `output` leaves. */
async function filter(o: Operator, column: 'data' | 'output', key: string, value: string): Promise<void> {
  const field = (part: string) => `${column === 'data' ? 'Data' : 'Output'} filter ${part} 1`;
  await o.click('button', 'Show advanced filters');
  await o.click('button', `Add ${column} filter`);
  await o.fill(field('key'), key);
  await o.fill(field('value'), value);
  // A list without the filter may have the job, too.
  await o.sees(o.page.getByRole('button', { name: `Remove filter ${column}.${key}=${value}`, exact: true }));
}

const job = (o: Operator, id: string) => o.page.locator(`a[href*="${id}"]`);
const state = (o: Operator) => o.page.locator('select').filter({ hasText: 'All States' });

const noWorkers: Way = { cannot: 'no page shows workers' };
const oneJob: Way = { cannot: 'Retry, Cancel and Delete are for one job' };
const noHistory: Way = { cannot: 'no page shows what somebody changed' };
const inCode: Way = { cannot: 'policies of queues are set in code' };
const noFlows: Way = { cannot: 'no page shows flows' };
const oneLogin: Way = { cannot: 'one user name and password, in the environment; read-only is for everybody' };

export const pgBossWays: Ways = {
  'See which workers live, and what they run': noWorkers,
  'Stop a bad worker': noWorkers,
  'Find jobs by an argument': {
    run: async (o, { wanted }) => {
      await o.click('link', 'Jobs');
      await filter(o, 'data', 'user', '42');
      await o.sees(job(o, wanted));
    },
    but: 'keys of the first level, by their whole value',
  },
  'Find jobs by the text of their error': {
    run: async (o, { declined }) => {
      await o.click('link', 'Jobs');
      await o.choose(state(o), 'State', 'failed');
      // The next filter would take back one that is still on its way.
      await o.sees(o.page.getByRole('button', { name: 'Remove filter State: Failed', exact: true }));
      await filter(o, 'output', 'message', 'The card declined it: card declined.');
      await o.sees(job(o, declined));
    },
    but: 'by the whole text, not by a part',
  },
  'Find the jobs of a tenant': {
    run: async (o, { wanted }) => {
      await o.click('link', 'Jobs');
      await filter(o, 'data', 'tenant', 'acme');
      await o.sees(job(o, wanted));
    },
  },
  'Find the jobs that hold unique keys': { cannot: 'lists show the key as a column, and no filter knows it' },
  'See which errors are the most frequent': { cannot: 'no page counts errors' },
  'Run all failures of one error again': oneJob,
  'Ask which tenant has the most jobs': { cannot: 'no page counts jobs by a value' },
  'Ask why a job does not run': { cannot: 'the page of a job shows its state and times, and no reason' },
  'Let a waiting job start before others': { cannot: 'no page changes a job' },
  'Run an ended job again, with other arguments': {
    run: async (o) => {
      await o.address('send?queue=mail', 'send?queue=QUEUE');
      await o.fill('Data', '{"user": 43}');
      await o.click('button', 'Send Job');
      await o.sees(o.page.getByRole('heading', { level: 1, name: 'mail' }));
    },
    but: 'a new job; its other data and its options are filled in again',
  },
  'Start a scheduled job now': { cannot: 'a scheduled job has Cancel and Delete' },
  'See how many jobs a cancel would end': {
    run: async (o) => {
      await o.click('link', 'Jobs');
      await o.click('button', 'All Queues');
      await o.click('option', 'mail');
      await o.sees(/\d+ jobs? found/);
    },
    but: 'Cancel itself is for one job',
  },
  'Undo a wrong bulk cancel': { cannot: 'Resume is for one job; there are no bulk operations' },
  'Run the dead letter again, slowly': oneJob,
  'Wait until a queue is empty': {
    run: async (o) => {
      await o.address('queues/pay', 'queues/QUEUE');
      await o.sees('Queued');
    },
    but: 'counts of the last minute, on a page that somebody reloads',
  },
  'Delete what a queue has finished': oneJob,
  'See the settings that a queue had before': noHistory,
  'Give a queue the settings back that it had': noHistory,
  'Export the jobs of a queue': { cannot: 'no export' },
  'Ask what is wrong': {
    run: async (o) => {
      // The first page has the last five only.
      await o.click('link', 'Warnings');
      await o.sees(/queue "other" has 3 jobs/);
    },
    but: 'the warnings of pg-boss: backlogs, slow queries, clock skew',
  },
  'See which jobs hold the slots of a limit': {
    run: async (o, { held }) => {
      await o.address('queues/api?state=active', 'queues/QUEUE?state=active');
      await o.sees(job(o, held));
    },
    but: 'where the policy of the queue is the limit',
  },
  'Change a limit': inCode,
  'Give a limit its own numbers back': inCode,
  'Free a key that is stuck': {
    run: async (o) => {
      await o.address('queues/api?state=active', 'queues/QUEUE?state=active');
      await o.click('button', 'Job actions');
      await o.click('menuitem', 'Cancel');
      await o.click('button', 'Cancel Job');
      await o.sees('No jobs found');
    },
  },
  'See the next runs across a change of the clocks': {
    cannot: 'a schedule shows one next run, and no change of clocks',
  },
  'Run a cron now': { cannot: 'a schedule has Unschedule only' },
  'See a workflow as a graph': noFlows,
  'See a workflow with its steps': noFlows,
  'See how long the oldest job of each queue waits': { cannot: 'pages count waiting jobs, and show no age' },
  'See the last hour': {
    run: async (o) => {
      await o.address('queues/work-1/metrics', 'queues/QUEUE/metrics');
      await o.choose(o.page.locator('select').filter({ hasText: 'Last 1 hour' }), 'Range', '1h');
      await o.sees(o.page.locator('.u-over'));
    },
    but: 'a queue at a time; counts of jobs by state, not of jobs done',
  },
  'See the percentiles of the last hour': { cannot: 'no page shows how long jobs wait or run' },
  'Ask who cancelled or deleted a job': noHistory,
  'See who changed many jobs at once': noHistory,
  'Stop the start of jobs for a change of the database': { cannot: 'no pause' },
  'Let a colleague look and change nothing': oneLogin,
  'See whose token an entry of the audit log names': oneLogin,
  'Change the secret of a token': oneLogin,
};
