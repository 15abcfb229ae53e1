import type { Event } from '@ojs-ts/sdk';
import type { Command } from 'commander';
import type { ServerFlags } from '../connection/server.ts';
import { text } from '../output/cells.ts';
import { oneLine, plain } from '../output/plain.ts';
import { group, serverCommand } from './command.ts';

interface TailFlags extends ServerFlags {
  readonly type?: readonly string[];
  readonly queue?: string;
  readonly job?: string;
  readonly after?: string;
  readonly ndjson?: true;
}

/** `ojs events`. */
export function eventsCommand(): Command {
  const description = 'print events as they happen, until Ctrl+C; with --job until its last one';
  const command = serverCommand<TailFlags>('tail', description, async (server, { type, queue, job, after, ndjson }) => {
    for await (const event of server.events({ types: type, queue, jobId: job, after }))
      console.log(ndjson ? oneLine(JSON.stringify(event)) : lineOf(event));
  });
  return group('events', 'follow what happens', [
    command
      .option('--type <types>', 'events of these types, by commas: job.failed, workflow.*', commas)
      .option('--queue <name>', 'events of this queue and its jobs')
      .option('--job <id>', 'events of this job')
      .option('--after <id>', 'begin behind the event with this id')
      .option('--ndjson', 'each event as one line of JSON'),
  ]);
}

function lineOf({ timestamp, event, data }: Event): string {
  const subject = ['job_id', 'workflow_id', 'type', 'queue'].map((name) => text(data, name));
  return [timestamp.toISOString(), plain(event).padEnd(22), ...subject.filter((one) => one !== '')].join('  ');
}

function commas(given: string): readonly string[] {
  return given.split(',').map((one) => one.trim());
}
