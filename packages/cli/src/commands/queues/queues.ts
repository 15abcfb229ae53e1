import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import type { Server } from '../../connection/server.ts';
import { age, count, type Item, moment, part, percentiles, text } from '../../output/cells.ts';
import { type Column, fields } from '../../output/table.ts';
import { actionCommand } from '../action.ts';
import { group } from '../command.ts';
import { detailCommand } from '../detail.ts';
import { listCommand } from '../list.ts';
import { drainCommand } from './drain.ts';
import { purgeCommand } from './purge.ts';
import { restoreCommand } from './restore.ts';
import { configureCommand, createCommand, settingRows } from './settings.ts';

/** The order of the columns: what waits and runs, then what has ended. */
export const stateColumns = [
  'available',
  'active',
  'scheduled',
  'retryable',
  'pending',
  'completed',
  'cancelled',
  'discarded',
] as const;

const queue = { param: 'name', about: 'name of the queue' } as const;

/** `ojs queues`. */
export function queuesCommand(): Command {
  return group('queues', 'look at queues, pause and configure them', [
    listCommand('list', 'list queues by name, with their jobs', {
      operation: 'queue.list',
      member: 'queues',
      what: 'queues',
      columns: [
        { title: 'NAME', cell: (item) => text(item, 'name') },
        { title: 'STATUS', cell: (item) => text(item, 'status') },
        ...stateColumns.map(
          (state): Column<Item> => ({
            title: state.toUpperCase(),
            cell: (item) => count(part(item, 'counts'), state),
            align: 'right',
          }),
        ),
        { title: 'OLDEST', cell: (item) => age(item, 'oldest_available_at'), align: 'right' },
      ],
      whole: wholeQueue,
    }),
    detailCommand('show a queue: its jobs by state, its load and its settings', {
      ...queue,
      operation: 'queue.get',
      describe,
    }),
    actionCommand('pause', 'hand out no jobs of a queue; it still takes new ones', {
      ...queue,
      operation: 'queue.pause',
      creates: 'the queue',
      said: (name) => `Queue ${name} is paused.`,
    }),
    actionCommand('resume', 'hand out the jobs of a paused queue again', {
      ...queue,
      operation: 'queue.resume',
      creates: 'the queue',
      said: (name) => `Queue ${name} is active.`,
    }),
    createCommand(),
    configureCommand(),
    restoreCommand(),
    drainCommand(),
    purgeCommand(),
    actionCommand('delete', 'delete a queue without jobs', {
      ...queue,
      operation: 'queue.delete',
      said: (name) => `Queue ${name} is deleted.`,
      question: (name) => `Shall I delete the queue ${name} and its settings?`,
    }),
  ]);
}

/** The list has names only; a queue may be deleted in between. */
async function wholeQueue(server: Server, item: Json): Promise<Json | null> {
  const { name }: Item = JSON.parse(item);
  const { status, text: queue } = await server.ask(
    { operation: 'queue.get', params: { name: String(name) } },
    { status: 404, member: 'error' },
  );
  return status === 404 ? null : queue;
}

function describe(answer: Json): string {
  const item: Item = JSON.parse(answer);
  const [counts, stats] = [part(item, 'counts'), part(item, 'stats')];
  return fields([
    ['name', text(item, 'name')],
    ['status', text(item, 'status')],
    ['created_at', moment(item, 'created_at')],
    ...stateColumns.map((state) => [state, count(counts, state)] as const),
    ['dead letter', count(counts, 'dead_letter')],
    ['oldest available', moment(item, 'oldest_available_at')],
    ['completed, last hour', count(stats, 'completed_last_hour')],
    ['failed, last hour', count(stats, 'failed_last_hour')],
    ['wait, last hour', percentiles(stats, 'latency_ms')],
    ['run, last hour', percentiles(stats, 'duration_ms')],
    ...settingRows(answer),
  ]);
}
