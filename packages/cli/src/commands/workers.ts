import { isObject, uuidv7 } from '@ojs-ts/core';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { age, bytes, count, type Item, list, millis, moment, part, text, texts } from '../output/cells.ts';
import { type ConfirmFlags, confirmed, takesConfirm } from '../output/confirm.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { plain } from '../output/plain.ts';
import { fields } from '../output/table.ts';
import { actionCommand } from './action.ts';
import { group, serverCommand } from './command.ts';
import { detailCommand } from './detail.ts';
import { listCommand } from './list.ts';

const worker = { param: 'id', about: 'id of the worker' } as const;

/** `ojs workers`. */
export function workersCommand(): Command {
  return group('workers', 'look at workers and direct them', [
    listCommand('list', 'list workers by id', {
      operation: 'worker.list',
      member: 'items',
      what: 'workers',
      columns: [
        { title: 'ID', cell: (item) => text(item, 'id') },
        { title: 'STATE', cell: (item) => text(item, 'state') },
        { title: 'HOST', cell: (item) => text(item, 'hostname') },
        { title: 'QUEUES', cell: (item) => texts(item, 'queues') },
        { title: 'JOBS', cell: load, align: 'right' },
        { title: 'HEARTBEAT', cell: (item) => age(item, 'last_heartbeat_at'), align: 'right' },
        { title: 'LAG', cell: (item) => millis(part(item, 'load'), 'event_loop_lag_ms'), align: 'right' },
        { title: 'MEMORY', cell: (item) => bytes(part(item, 'load'), 'rss_bytes'), align: 'right' },
      ],
    }),
    detailCommand('show a worker and the jobs that it runs', {
      ...worker,
      operation: 'worker.get',
      describe: (answer) => {
        const item: Item = JSON.parse(answer);
        return fields([
          ['id', text(item, 'id')],
          ['state', text(item, 'state')],
          ['told', text(item, 'directive')],
          ['host', text(item, 'hostname')],
          ['version', text(item, 'version')],
          ['queues', texts(item, 'queues')],
          ['heartbeat', moment(item, 'last_heartbeat_at')],
          ['fetch', moment(item, 'last_fetch_at')],
          ['event loop lag', millis(part(item, 'load'), 'event_loop_lag_ms')],
          ['memory', bytes(part(item, 'load'), 'rss_bytes')],
          ['heap', bytes(part(item, 'load'), 'heap_used_bytes')],
          ['jobs', load(item)],
          ...list(item, 'jobs')
            .filter(isObject)
            .map((job) => ['job', describeJob(job)] as const),
        ]);
      },
    }),
    actionCommand('quiet', 'tell a worker to fetch no more jobs and finish those that it has', {
      ...worker,
      operation: 'worker.quiet',
      said: (id) => `Worker ${id} will fetch no more from its next heartbeat on.`,
    }),
    actionCommand('resume', 'tell a quiet worker to fetch again', {
      ...worker,
      operation: 'worker.resume',
      said: (id) => `Worker ${id} will fetch again from its next heartbeat on.`,
    }),
    actionCommand('stop', 'tell a worker to finish its jobs and stop', {
      ...worker,
      operation: 'worker.stop',
      said: (id) => `Worker ${id} will stop after its next heartbeat.`,
      question: (id) => `Shall I stop the worker ${id}?`,
    }),
    removeCommand(),
  ]);
}

/** Jobs, and of how many at once where the worker says it. */
function load(item: Item): string {
  const most = text(item, 'concurrency');
  return `${count(item, 'active_jobs')}${most === '' ? '' : `/${most}`}`;
}

function describeJob(job: Item): string {
  return `${text(job, 'id')} ${text(job, 'type')} (${text(job, 'queue')}) ${age(job, 'started_at')}`;
}

function removeCommand(): Command {
  const command = serverCommand<ServerFlags & FormatFlags & ConfirmFlags & { readonly force?: true }>(
    'remove',
    'take a dead worker off the record; its jobs go on as after a crash',
    async (server, flags, id = '') => {
      const [name, what] = [plain(id), flags.force ? ' A live one runs its jobs on, beside whoever gets them.' : ''];
      await confirmed(`Shall I remove the worker ${name}?${what}`, flags);
      const { text: answer } = await server.ask({
        operation: 'worker.remove',
        params: { id },
        query: flags.force ? { force: 'true' } : {},
        idempotencyKey: uuidv7(),
      });
      printAnswer(
        answer,
        flags,
        () => `Worker ${name} is removed. Its jobs go on as after a crash: available, retryable or discarded.`,
      );
    },
  ).argument('<id>', worker.about);
  return takesJson(takesConfirm(command)).option('--force', 'remove a live worker, too');
}
