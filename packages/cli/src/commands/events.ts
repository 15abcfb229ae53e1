import { isObject } from '@ojs-ts/core';
import type { Event } from '@ojs-ts/sdk';
import type { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { Server, ServerFlags } from '../connection/server.ts';
import { type Item, list, text } from '../output/cells.ts';
import { oneLine, plain } from '../output/plain.ts';
import { group, serverCommand } from './command.ts';
import { atLeastOne } from './values.ts';

interface TailFlags extends ServerFlags {
  readonly type?: readonly string[];
  readonly queue?: string;
  readonly job?: string;
  readonly after?: string;
  readonly last?: number;
  readonly ndjson?: true;
}

/** `ojs events`. */
export function eventsCommand(): Command {
  const description = 'print events as they happen, until Ctrl+C; with --job until its last one';
  const command = serverCommand<TailFlags>('tail', description, async (server, flags) => {
    const { type, queue, job, ndjson } = flags;
    const print = (event: Event) => console.log(ndjson ? oneLine(JSON.stringify(event)) : lineOf(event));
    const before = flags.last === undefined ? null : await lastOf(server, flags.last, flags);
    before?.events.forEach(print);
    const after = before === null ? flags.after : before.end;
    for await (const event of server.events({ types: type, queue, jobId: job, after })) print(event);
  });
  return group('events', 'follow what happens', [
    command
      .option('--type <types>', 'events of these types, by commas: job.failed, workflow.*', commas)
      .option('--queue <name>', 'events of this queue and its jobs')
      .option('--job <id>', 'events of this job')
      .option('--after <id>', 'begin behind the event with this id')
      .option('--last <count>', 'begin with the last events that match', atLeastOne)
      .option('--ndjson', 'each event as one line of JSON'),
  ]);
}

/** The last events that match, oldest first, and where the log ended then. */
async function lastOf(
  server: Server,
  count: number,
  { type, queue, job, after }: TailFlags,
): Promise<{ readonly events: readonly Event[]; readonly end: string }> {
  if (job !== undefined || after !== undefined)
    throw new Failure('usage', `Expected one of --last and --${job === undefined ? 'after' : 'job'}, got both.`);
  const { Event: EventOf } = await import('@ojs-ts/sdk');
  const events: Event[] = [];
  let end: string | undefined;
  for (let cursor: string | undefined, more = true; more && events.length < count; ) {
    const limit = Math.min(count - events.length, 1_000);
    const query = { order: 'desc', types: type?.join(','), queues: queue, limit, after: cursor };
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
