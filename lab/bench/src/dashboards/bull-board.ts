import type { Operator } from '../../../dashboard/operator.ts';
import type { Way, Ways } from './way.ts';

const noSearch: Way = { cannot: 'no search: a list has the jobs of one queue and state, 50 a page at most' };
const noErrors: Way = { cannot: 'no page groups jobs by error; Retry all is for all failed jobs of a queue' };
const noHistory: Way = { cannot: 'no page shows what somebody changed' };
const noTokens: Way = { cannot: 'logins and read-only queues are set in the application' };

/** Of a queue, or of all queues on the first page. */
const openMenu = (o: Operator) => o.clickOn(o.page.locator('main button[aria-haspopup="menu"]'), 'the menu');

/** An action of a job, by its place: the buttons have icons, and names in tooltips only. */
const act = (o: Operator, place: number, shown: string) =>
  o.clickOn(o.page.locator('[class*="jobActions"] button').nth(place), shown);

const dialog = (o: Operator) => o.page.getByRole('dialog');
const gone = (o: Operator) => dialog(o).waitFor({ state: 'hidden' });

export const bullBoardWays: Ways = {
  'See which workers live, and what they run': {
    run: async (o) => {
      await o.address('queue/api', 'queue/QUEUE');
      await o.click('button', 'Queue info');
      await o.click('button', 'Connected workers');
      await o.sees(dialog(o).getByText('stuck'));
    },
    but: 'a queue at a time; its active jobs name their worker',
  },
  'Stop a bad worker': { cannot: 'workers are shown, without an action' },
  'Find jobs by an argument': noSearch,
  'Find jobs by the text of their error': noSearch,
  'Find the jobs of a tenant': noSearch,
  'Find the jobs that hold unique keys': noSearch,
  'See which errors are the most frequent': noErrors,
  'Run all failures of one error again': noErrors,
  'Ask which tenant has the most jobs': { cannot: 'no page counts jobs by a value' },
  'Ask why a job does not run': {
    run: async (o) => {
      await o.address('queue/mail', 'queue/QUEUE');
      await o.sees('No workers');
    },
    but: 'a queue that is paused, rate limited or without workers; no other reason',
  },
  'Let a waiting job start before others': {
    run: async (o, { waiting }) => {
      await o.address(`queue/mail/${waiting}`, 'queue/QUEUE/JOB');
      await act(o, 0, 'Change priority');
      await o.fill('Priority', '1');
      await o.click('button', 'Save');
      await o.sees(/^priority 1$/);
    },
    but: 'jobs that were added with a priority',
  },
  'Run an ended job again, with other arguments': {
    run: async (o, { declined }) => {
      await o.address(`queue/pay/${declined}`, 'queue/QUEUE/JOB');
      await act(o, 1, 'Duplicate');
      await o.fillIn(dialog(o).locator('[contenteditable="true"]'), 'Job data', '{"user": 43}');
      await o.clickOn(dialog(o).getByRole('button', { name: 'Duplicate' }), 'Duplicate');
      await gone(o);
    },
  },
  'Start a scheduled job now': {
    run: async (o, { later }) => {
      await o.address(`queue/later/${later}`, 'queue/QUEUE/JOB');
      await act(o, 0, 'Promote');
      await o.click('button', 'Confirm');
      await o.page.getByText('Will run at').waitFor({ state: 'hidden' });
    },
  },
  'See how many jobs a cancel would end': {
    run: async (o) => {
      await o.address('queue/mail', 'queue/QUEUE');
      await o.sees(o.page.getByRole('link', { name: /^WAITING \d+$/ }));
    },
    but: 'all jobs of a queue and a state; Empty deletes them',
  },
  'Undo a wrong bulk cancel': { cannot: 'what somebody emptied or cleaned is deleted' },
  'Run the dead letter again, slowly': {
    run: async (o) => {
      await o.address('queue/failing?status=failed', 'queue/QUEUE?status=failed');
      await openMenu(o);
      await o.click('menuitem', 'Set rate limit');
      await o.fill('Max jobs', '50');
      await o.fill('Duration (ms)', '1000');
      await o.click('button', 'Save');
      await gone(o);
      await o.click('button', 'Retry all');
      await o.click('button', 'Confirm');
      await o.sees('No failed jobs in this queue.');
    },
    but: 'the limit is for all jobs of the queue, and stays',
  },
  'Wait until a queue is empty': {
    run: async (o) => {
      await o.address('queue/other', 'queue/QUEUE');
      await o.sees(o.page.getByRole('link', { name: 'WAITING', exact: true }));
    },
  },
  'Delete what a queue has finished': {
    run: async (o) => {
      await o.address('queue/done?status=completed', 'queue/QUEUE?status=completed');
      await o.click('button', 'Clean all');
      await o.click('button', 'Confirm');
      await o.sees('No completed jobs in this queue.');
    },
  },
  'See the settings that a queue had before': noHistory,
  'Give a queue the settings back that it had': noHistory,
  'Export the jobs of a queue': { cannot: 'no export' },
  'Ask what is wrong': {
    run: async (o) => {
      await o.sees('No workers');
    },
    but: 'queues without workers, and nothing else',
  },
  'See which jobs hold the slots of a limit': {
    run: async (o, { held }) => {
      await o.address('queue/api?status=active', 'queue/QUEUE?status=active');
      await o.sees(o.page.getByRole('link', { name: new RegExp(`^#${held}\\b`) }));
    },
    but: 'a queue is the only key of a limit',
  },
  'Change a limit': {
    run: async (o) => {
      await o.address('queue/api', 'queue/QUEUE');
      await openMenu(o);
      await o.click('menuitem', 'Set concurrency');
      await o.fill('Concurrency', '5');
      await o.click('button', 'Save');
      await gone(o);
    },
  },
  'Give a limit its own numbers back': {
    cannot: 'a concurrency of 0 removes the limit; nothing keeps the earlier number',
  },
  'Free a key that is stuck': { cannot: 'an active job cannot be removed; Obliterate deletes the whole queue' },
  'See the next runs across a change of the clocks': { cannot: 'a scheduler shows one next run' },
  'Run a cron now': {
    run: async (o) => {
      await o.click('link', 'Schedulers');
      await o.click('button', 'Run now');
      await o.click('button', 'Confirm');
      await o.sees('Scheduler nightly run started');
    },
  },
  'See a workflow as a graph': {
    run: async (o, { workflow }) => {
      await o.address(`queue/steps/${workflow}`, 'queue/QUEUE/JOB');
      await o.sees(o.page.getByRole('group', { name: /^first\.step, waiting/ }));
    },
  },
  'See a workflow with its steps': {
    run: async (o, { workflow }) => {
      await o.address(`queue/steps/${workflow}`, 'queue/QUEUE/JOB');
      await o.sees(o.page.getByRole('group', { name: /^first\.step, waiting/ }));
    },
    but: 'the states of the steps, not when they ran',
  },
  'See how long the oldest job of each queue waits': {
    cannot: 'needs a `historyProvider`, which an application writes itself',
  },
  'See the last hour': {
    run: async (o) => {
      await o.address('queue/work-1', 'queue/QUEUE');
      await o.sees('Completed / min');
    },
    but: 'a queue at a time, with `showMetrics` and metrics of its workers',
  },
  'See the percentiles of the last hour': { cannot: 'needs a `historyProvider`, which an application writes itself' },
  'Ask who cancelled or deleted a job': noHistory,
  'See who changed many jobs at once': noHistory,
  'Stop the start of jobs for a change of the database': {
    run: async (o) => {
      await openMenu(o);
      await o.click('menuitem', 'Pause all');
      await o.click('button', 'Confirm');
      await o.sees(/\[ Paused \]/i);
    },
    but: 'without a reason or an end',
  },
  'Let a colleague look and change nothing': noTokens,
  'See whose token an entry of the audit log names': noTokens,
  'Change the secret of a token': noTokens,
};
