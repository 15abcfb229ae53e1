import type { Command } from 'commander';
import { age, count, type Item, moment, text, texts } from '../output/cells.ts';
import { fields } from '../output/table.ts';
import { actionCommand } from './action.ts';
import { group } from './command.ts';
import { detailCommand } from './detail.ts';
import { listCommand } from './list.ts';

const worker = { param: 'id', about: 'id of the worker' } as const;

/** `ojs workers`. */
export function workersCommand(): Command {
  return group('workers', 'look at workers and remove dead ones', [
    listCommand('list', 'list workers by id', {
      operation: 'worker.list',
      member: 'items',
      what: 'workers',
      columns: [
        { title: 'ID', cell: (item) => text(item, 'id') },
        { title: 'STATE', cell: (item) => text(item, 'state') },
        { title: 'HOST', cell: (item) => text(item, 'hostname') },
        { title: 'QUEUES', cell: (item) => texts(item, 'queues') },
        { title: 'JOBS', cell: (item) => `${count(item, 'active_jobs')}/${text(item, 'concurrency')}`, align: 'right' },
        { title: 'HEARTBEAT', cell: (item) => age(item, 'last_heartbeat_at'), align: 'right' },
      ],
    }),
    detailCommand('show whether a worker is alive', {
      ...worker,
      operation: 'worker.health',
      // 503 tells of a dead worker.
      accepted: { status: 503, member: 'worker_id' },
      describe: (answer) => {
        const item: Item = JSON.parse(answer);
        return fields([
          ['id', text(item, 'worker_id')],
          ['health', text(item, 'status')],
          ['state', text(item, 'state')],
          ['heartbeat', moment(item, 'last_heartbeat_at')],
          ['fetch', moment(item, 'last_fetch_at')],
        ]);
      },
    }),
    actionCommand('remove', 'take a worker off the record; its jobs become available', {
      ...worker,
      operation: 'worker.remove',
      said: (id) => `Worker ${id} is removed. Its jobs are available.`,
      question: (id) => `Shall I remove the worker ${id}? A live one loses its jobs.`,
    }),
  ]);
}
