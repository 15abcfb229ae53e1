import type { Json } from '@ojs-ts/core/job';
import type { Command } from 'commander';
import type { Server } from '../../connection/server.ts';
import { age, count, type Item, moment, part, percentiles } from '../../output/cells.ts';
import { details, fields, type View, view } from '../../output/table.ts';
import { group } from '../command.ts';
import { listCommand } from '../list.ts';
import { change, look } from '../row.ts';
import { stateLines } from '../stats.ts';
import { drainCommand } from './drain.ts';
import { purgeCommand } from './purge.ts';
import { restoreCommand } from './restore.ts';
import { createCommand, settingFlags, settingLines } from './settings.ts';

const args = { name: 'name of the queue' };
const counts: View = stateLines.map(({ title, cell }) => ({ title, cell: (item) => cell(part(item, 'counts')) }));

/** `ojs queues`. */
export function queuesCommand(): Command {
  return group('queues', 'show queues, pause and configure them', [
    listCommand('list', 'list queues by name, with their jobs', 'queue.list', {
      what: 'queues',
      member: 'queues',
      columns: [
        ...view`NAME | STATUS`,
        ...counts.map(({ title, cell }) => ({ title: title.toUpperCase(), cell, align: 'right' as const })),
        ...view`OLDEST>: ${age} oldest_available_at`,
      ],
      whole: wholeQueue,
    }),
    look('show', 'show a queue: its jobs by state, its load and its settings', 'queue.get', {
      args,
      shown: (item) => details(lines, item, settingLines(item)),
    }),
    change('pause', 'start no jobs of a queue; it still accepts new ones', 'queue.pause', {
      args,
      creates: 'the queue',
      shown: (_, name) => `Queue ${name} is paused.`,
    }),
    change('resume', 'start the jobs of a paused queue again', 'queue.resume', {
      args,
      creates: 'the queue',
      shown: (_, name) => `Queue ${name} is active.`,
    }),
    createCommand(args),
    change('configure', 'change settings of a queue', 'queue.configure', {
      args,
      flags: settingFlags,
      creates: 'the queue',
      oneOf: Object.keys(settingFlags),
      shown: (item) => fields(settingLines(item)),
    }),
    restoreCommand(args),
    drainCommand(args),
    purgeCommand(args),
    change('delete', 'delete a queue without jobs', 'queue.delete', {
      args,
      question: (name) => `Shall I delete the queue ${name} and its settings?`,
      shown: (_, name) => `Queue ${name} is deleted.`,
    }),
  ]);
}

const lines: View = [
  ...view`name | status | created_at: ${moment}`,
  ...counts,
  ...view`dead letter: ${count} counts.dead_letter | oldest available: ${moment} oldest_available_at
    completed, last hour: ${count} stats.completed_last_hour | failed, last hour: ${count} stats.failed_last_hour
    wait, last hour: ${percentiles} stats.latency_ms | run, last hour: ${percentiles} stats.duration_ms`,
];

/** The list has names only; a queue may be deleted in between. */
async function wholeQueue(server: Server, item: Json): Promise<Json | null> {
  const { name }: Item = JSON.parse(item);
  const call = { operation: 'queue.get', params: { name: String(name) } } as const;
  const { status, text } = await server.ask(call, { status: 404, member: 'error' });
  return status === 404 ? null : text;
}
