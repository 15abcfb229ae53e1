import { members } from '@ojs-ts/core';
import type { Command } from 'commander';
import { age, count, type Item, moment, text } from '../../output/cells.ts';
import { view } from '../../output/table.ts';
import { group } from '../command.ts';
import { choice, flag, jsonArray } from '../flags.ts';
import { jobColumns } from '../jobs/show.ts';
import { listCommand } from '../list.ts';
import { change, look } from '../row.ts';
import { previewCommand } from './preview.ts';

const args = { name: 'name of the cron job' };

/** `ojs cron`. */
export function cronCommand(): Command {
  const runs = 'list the jobs that a cron job has enqueued, newest first; ojs cron preview lists future runs';
  return group('cron', 'look at cron jobs, run and pause them', [
    listCommand('list', 'list cron jobs by name', 'cron.list', {
      what: 'cron jobs',
      member: 'cron_jobs',
      columns: view`NAME | CRON | ZONE: timezone | TYPE | STATUS: ${status} | NEXT>: ${age} next_run_at
        LAST>: ${age} last_run_at | LAST STATE: ${lastState} | RUNS>: ${count} run_count`,
    }),
    look('show', 'show a cron job', 'cron.get', {
      args,
      member: 'cron_job',
      shown: view`name | cron: ${expression} | type | status: ${status} | overlap: overlap_policy | description
        paused since: ${moment} paused_at | registered as: ${registered} | next run: ${nextRun}
        last run: ${lastRun} | last job: last_job_id | runs: ${count} run_count`,
    }),
    previewCommand(),
    listCommand('runs', runs, 'job.list', {
      what: 'runs',
      member: 'jobs',
      columns: jobColumns.filter(({ title }) => title !== 'TYPE'),
      args,
      query: async (server, name = '') => {
        const answer = (await server.ask({ operation: 'cron.get', params: { name } })).text;
        // The type is what an index answers.
        const item: Item = JSON.parse(members(answer).get('cron_job') ?? answer);
        return { type: text(item, 'type'), q: `cron:${JSON.stringify(name)}` };
      },
    }),
    change('change', 'change parts of a cron job; the other parts and a pause remain', 'cron.update', {
      args,
      flags: changeFlags,
      oneOf: Object.keys(changeFlags),
      shown: changed,
    }),
    change('trigger', 'run a cron job now', 'cron.trigger', {
      args,
      shown: (answer, name) => `Cron job ${name} runs as job ${text(answer, 'job_id')}.`,
    }),
    change(
      'pause',
      'stop the schedule of a cron job until it is resumed, even if an application registers it again',
      'cron.pause',
      {
        args,
        shown: (_, name) => `Cron job ${name} is paused.`,
      },
    ),
    change('resume', 'run a paused cron job again', 'cron.resume', {
      args,
      shown: (answer, name) => `Cron job ${name} is active; its next run is ${text(answer, 'next_run_at')}.`,
    }),
    change('remove', 'remove a cron job; jobs that it enqueued remain', 'cron.remove', {
      args,
      question: (name) => `Shall I remove the cron job ${name}?`,
      shown: (_, name) => `Cron job ${name} is removed.`,
    }),
  ]);
}

const overlaps = ['skip', 'allow', 'cancel_previous', 'enqueue'];
const changeFlags = {
  cron: flag('--cron <expression>', "when it runs, in quotes: '0 9 * * MON-FRI', '@every 15m'"),
  timezone: flag('--timezone <zone>', 'zone of the expression, such as Europe/Berlin'),
  overlap_policy: choice('--overlap <policy>', 'what a run does if the run before it has not finished', overlaps),
  description: flag('--description <text>', 'a description for people; an empty text removes it', String),
  type: flag('--type <type>', 'type of the jobs'),
  queue: flag('--queue <name>', 'queue of the jobs'),
  args: flag('--args <json>', 'arguments of the jobs, a JSON array', jsonArray),
};

function changed(cron: Item, name: string): string {
  if (typeof cron.next_run_at === 'string')
    return `Cron job ${name} is changed; its next run is ${text(cron, 'next_run_at')}.`;
  const why = cron.never_runs === true ? 'its expression matches no time, so it never runs' : 'it does not run now';
  return `Cron job ${name} is changed; ${why}.`;
}

function expression(item: Item): string {
  return `${text(item, 'cron')} ${text(item, 'timezone')}`;
}

function registered(item: Item): string {
  return item.registered_enabled === false ? 'disabled' : 'enabled';
}

const neverRuns = 'never runs';

function nextRun(item: Item): string {
  return item.never_runs === true ? neverRuns : moment(item, 'next_run_at');
}

function lastRun(item: Item): string {
  return [moment(item, 'last_run_at'), lastState(item)].filter((part) => part !== '').join(', ');
}

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
