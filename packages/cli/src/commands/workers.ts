import { isObject } from '@ojs-ts/core';
import type { Command } from 'commander';
import { age, bytes, count, type Item, list, millis, moment, text, texts } from '../output/cells.ts';
import { details, type Line, view } from '../output/table.ts';
import { group } from './command.ts';
import { on } from './flags.ts';
import { listCommand } from './list.ts';
import { change, look } from './row.ts';

const args = { id: 'id of the worker' };

const lines = view`
  id | state | told: directive | host: hostname | version | queues: ${texts}
  heartbeat: ${moment} last_heartbeat_at | fetch: ${moment} last_fetch_at
  event loop lag: ${millis} load.event_loop_lag_ms | memory: ${bytes} load.rss_bytes
  heap: ${bytes} load.heap_used_bytes | jobs: ${load}`;

/** `ojs workers`. */
export function workersCommand(): Command {
  return group('workers', 'show workers, and quiet or stop them', [
    listCommand('list', 'list workers by id', 'worker.list', {
      what: 'workers',
      columns: view`ID | STATE | HOST: hostname | QUEUES: ${texts} | JOBS>: ${load}
        HEARTBEAT>: ${age} last_heartbeat_at
        LAG>: ${millis} load.event_loop_lag_ms | MEMORY>: ${bytes} load.rss_bytes`,
    }),
    look('show', 'show a worker and the jobs that it runs', 'worker.get', {
      args,
      shown: (item) => details(lines, item, list(item, 'jobs').filter(isObject).map(lineOf)),
    }),
    change('quiet', 'tell a worker to fetch no more jobs and finish those that it has', 'worker.quiet', {
      args,
      shown: (_, id) => `Worker ${id} will fetch no more from its next heartbeat on.`,
    }),
    change('resume', 'tell a quiet worker to fetch again', 'worker.resume', {
      args,
      shown: (_, id) => `Worker ${id} will fetch again from its next heartbeat on.`,
    }),
    change('stop', 'tell a worker to finish its jobs and stop', 'worker.stop', {
      args,
      question: (id) => `Shall I stop the worker ${id}?`,
      shown: (_, id) => `Worker ${id} will stop after its next heartbeat.`,
    }),
    change('remove', 'remove a dead worker; its jobs run again as after a crash', 'worker.remove', {
      args,
      flags: { force: on('--force', 'also remove a live worker; its jobs may then run twice') },
      sends: 'query',
      question: (id, { force }) =>
        `Shall I remove the worker ${id}?${force ? ' A live one runs its jobs on, beside whoever gets them.' : ''}`,
      shown: (_, id) => `Worker ${id} is removed. Its jobs go on as after a crash: available, retryable or discarded.`,
    }),
  ]);
}

/** Jobs, and of how many at once where the worker says it. */
function load(item: Item): string {
  const most = text(item, 'concurrency');
  return `${count(item, 'active_jobs')}${most === '' ? '' : `/${most}`}`;
}

function lineOf(job: Item): Line {
  return ['job', `${text(job, 'id')} ${text(job, 'type')} (${text(job, 'queue')}) ${age(job, 'started_at')}`];
}
