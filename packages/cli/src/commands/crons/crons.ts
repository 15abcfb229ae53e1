import { members } from '@ojs-ts/core';
import type { Command } from 'commander';
import { age, count, type Item, moment, text } from '../../output/cells.ts';
import { fields } from '../../output/table.ts';
import { actionCommand } from '../action.ts';
import { group } from '../command.ts';
import { detailCommand } from '../detail.ts';
import { jobColumns } from '../jobs/columns.ts';
import { listCommand } from '../list.ts';
import { changeCommand } from './change.ts';
import { previewCommand } from './preview.ts';

const cron = { param: 'name', about: 'name of the cron job' } as const;

/** `ojs cron`. */
export function cronCommand(): Command {
  return group('cron', 'look at cron jobs, run and pause them', [
    listCommand('list', 'list cron jobs by name', {
      operation: 'cron.list',
      member: 'cron_jobs',
      what: 'cron jobs',
      columns: [
        { title: 'NAME', cell: (item) => text(item, 'name') },
        { title: 'CRON', cell: (item) => text(item, 'cron') },
        { title: 'ZONE', cell: (item) => text(item, 'timezone') },
        { title: 'TYPE', cell: (item) => text(item, 'type') },
        { title: 'STATUS', cell: status },
        { title: 'NEXT', cell: (item) => age(item, 'next_run_at'), align: 'right' },
        { title: 'LAST', cell: (item) => age(item, 'last_run_at'), align: 'right' },
        { title: 'LAST STATE', cell: lastState },
        { title: 'RUNS', cell: (item) => count(item, 'run_count'), align: 'right' },
      ],
    }),
    detailCommand('show a cron job', { ...cron, operation: 'cron.get', describe }),
    previewCommand(),
    runsCommand(),
    changeCommand(),
    actionCommand('trigger', 'run a cron job now', {
      ...cron,
      operation: 'cron.trigger',
      said: (name, answer) => `Cron job ${name} runs as job ${text(answer, 'job_id')}.`,
    }),
    actionCommand('pause', 'run a cron job no more until it is resumed, even if it is registered again', {
      ...cron,
      operation: 'cron.pause',
      said: (name) => `Cron job ${name} is paused.`,
    }),
    actionCommand('resume', 'run a paused cron job again', {
      ...cron,
      operation: 'cron.resume',
      said: (name, answer) => `Cron job ${name} is active; its next run is ${text(answer, 'next_run_at')}.`,
    }),
    actionCommand('remove', 'remove a cron job; its jobs stay', {
      ...cron,
      operation: 'cron.remove',
      said: (name) => `Cron job ${name} is removed.`,
      question: (name) => `Shall I remove the cron job ${name}?`,
    }),
  ]);
}

function describe(answer: string): string {
  const item = cronIn(answer);
  return fields([
    ['name', text(item, 'name')],
    ['cron', `${text(item, 'cron')} ${text(item, 'timezone')}`],
    ['type', text(item, 'type')],
    ['status', status(item)],
    ['overlap', text(item, 'overlap_policy')],
    ['description', text(item, 'description')],
    ['paused since', moment(item, 'paused_at')],
    ['registered as', item.registered_enabled === false ? 'disabled' : 'enabled'],
    ['next run', item.never_runs === true ? neverRuns : moment(item, 'next_run_at')],
    ['last run', [moment(item, 'last_run_at'), lastState(item)].filter((part) => part !== '').join(', ')],
    ['last job', text(item, 'last_job_id')],
    ['runs', count(item, 'run_count')],
  ]);
}

/** `ojs cron runs`: the jobs that a cron job has made. */
function runsCommand(): Command {
  const listed = { operation: 'job.list', member: 'jobs', columns: runColumns, what: 'runs' } as const;
  return listCommand(
    'runs',
    'list the jobs that a cron job has made, newest first; ojs cron preview shows the runs to come',
    listed,
    async (_, server, name = '') => {
      // The type is what an index answers.
      const item = cronIn((await server.ask({ operation: 'cron.get', params: { name } })).text);
      return { type: text(item, 'type'), q: `cron:${JSON.stringify(name)}` };
    },
  ).argument('<name>', cron.about);
}

const runColumns = jobColumns.filter(({ title }) => title !== 'TYPE');

const neverRuns = 'never runs';

/** `paused` is an operator's decision, `disabled` that of the registration. */
function status(item: Item): string {
  if (item.never_runs === true) return neverRuns;
  const status = text(item, 'status');
  return status === 'disabled' && item.paused_at !== null ? 'paused' : status;
}

/** The state of the job of the last run. */
function lastState(item: Item): string {
  if (typeof item.last_job_id !== 'string') return '';
  return typeof item.last_job_state === 'string' ? item.last_job_state : 'deleted';
}

function cronIn(answer: string): Item {
  return JSON.parse(members(answer).get('cron_job') ?? answer);
}
