import { isObject } from '@ojs-ts/core';
import type { Event } from '@ojs-ts/sdk';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server } from '../connection/server.ts';
import { type Item, list, text } from '../output/cells.ts';
import { oneLine, plain } from '../output/plain.ts';
import { group, serverCommand } from './command.ts';
import { atLeastOne, flag, type Values } from './flags.ts';

const flags = {
  types: flag('--type <types>', 'events of these types, separated by commas: job.failed, workflow.*', commas),
  queue: flag('--queue <name>', 'events of this queue and its jobs'),
  job: flag('--job <id>', 'events of this job'),
  after: flag('--after <id>', 'start after the event with this id'),
  last: flag('--last <count>', 'start with so many past events that match', atLeastOne),
};

/** `ojs events`. */
export function eventsCommand(): Command {
  const about = 'print events as they happen, until Ctrl+C; with --job until its last one';
  const command = serverCommand('tail', about, { flags, also: ['ndjson'] }, async (server, values) => {
    const { types, queue, job, last, ndjson } = values;
    const print = (event: Event) => console.log(ndjson ? oneLine(JSON.stringify(event)) : lineOf(event));
    const before = last === undefined ? null : await lastOf(server, last, values);
    before?.events.forEach(print);
    const after = before === null ? values.after : before.end;
    for await (const event of server.events({ types, queue, jobId: job, after })) print(event);
  });
  return group('events', 'follow events as they happen', [command]);
}

/** The last events that match, oldest first, and where the log ended then. */
async function lastOf(
  server: Server,
  count: number,
  { types, queue, job, after }: Values<typeof flags>,
): Promise<{ readonly events: readonly Event[]; readonly end: string }> {
  if (job !== undefined || after !== undefined)
    throw new Failure('usage', `Expected one of --last and --${job === undefined ? 'after' : 'job'}, got both.`);
  const { Event: EventOf } = await import('@ojs-ts/sdk');
  const events: Event[] = [];
  let end: string | undefined;
  for (let cursor: string | undefined, more = true; more && events.length < count; ) {
    const limit = Math.min(count - events.length, 1_000);
    const query = { order: 'desc', types: types?.join(','), queues: queue, limit, after: cursor };
    const page: Item = JSON.parse((await server.ask({ operation: 'event.list', query })).text);
    events.push(...list(page, 'events').filter(isObject).map(EventOf.fromDict));
    end ??= text(page, 'newest_cursor');
    cursor = text(page, 'cursor');
    more = page.has_more === true;
  }
  return { events: events.reverse(), end: end ?? '0' };
}

function lineOf({ timestamp, event, data }: Event): string {
  const subject = ['job_id', 'workflow_id', 'type', 'queue'].map((name) => text(data, name));
  return [timestamp.toISOString(), plain(event).padEnd(22), ...subject.filter((one) => one !== '')].join('  ');
}

function commas(given: string): readonly string[] {
  return given.split(',').map((one) => one.trim());
}
