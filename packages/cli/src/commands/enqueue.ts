import { elements, type Json, members, uuidv7 } from '@ojs-ts/core';
import { type Command, InvalidArgumentError } from 'commander';
import { Failure } from '../connection/failure.ts';
import type { ServerFlags } from '../connection/server.ts';
import { type Item, text } from '../output/cells.ts';
import { type FormatFlags, printAnswer, takesJson } from '../output/format.ts';
import { oneLine } from '../output/plain.ts';
import { serverCommand } from './command.ts';
import { ahead } from './times.ts';
import { atLeastOne } from './values.ts';

interface EnqueueFlags extends ServerFlags, FormatFlags {
  readonly queue?: string;
  readonly priority?: number;
  readonly at?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly maxAttempts?: number;
}

/** `ojs enqueue`: a job by hand. Its arguments go out as they were written. */
export function enqueueCommand(): Command {
  const command = serverCommand<EnqueueFlags>(
    'enqueue',
    'enqueue a job',
    async (server, flags, type = '', args = '[]') => {
      const { queue, priority, at, meta, maxAttempts } = flags;
      const options = {
        queue,
        priority,
        scheduled_at: at,
        ...(maxAttempts !== undefined && { retry: { max_attempts: maxAttempts } }),
      };
      const head = JSON.stringify({ id: uuidv7(), type, ...(meta && { meta }), options }).slice(0, -1);
      const { text: answer } = await server.ask({ operation: 'job.enqueue', body: `${head},"args":${array(args)}}` });
      const found = members(answer);
      for (const warning of elements(found.get('warnings') ?? '[]')) console.error(`Warning: ${oneLine(warning)}`);
      printAnswer(found.get('job') ?? answer, flags, (job) => {
        const item: Item = JSON.parse(job);
        return `Job ${text(item, 'id')} is ${text(item, 'state')} in ${text(item, 'queue')}.`;
      });
    },
  );
  return takesJson(command.argument('<type>', 'job type').argument('[args]', 'arguments, a JSON array; default []'))
    .option('--queue <name>', 'queue; default "default"')
    .option('--priority <number>', 'from -100 to 100; default 0', priority)
    .option('--at <time>', 'when it may start: 2026-01-31T09:00:00Z, or 10m for in ten minutes', ahead)
    .option('--max-attempts <count>', 'attempts in all', atLeastOne)
    .option('--meta <name=value>', 'a member of its meta; may be repeated', meta);
}

function array(args: string): Json {
  try {
    if (Array.isArray(JSON.parse(args))) return args;
  } catch {
    // Told below.
  }
  throw new Failure(
    'usage',
    `Expected the arguments as a JSON array, such as '["a", 1]', got ${JSON.stringify(args)}.`,
  );
}

function priority(given: string): number {
  if (/^-?\d{1,3}$/.test(given) && Math.abs(Number(given)) <= 100) return Number(given);
  throw new InvalidArgumentError('Expected a whole number from -100 to 100.');
}

function meta(given: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
  if (name !== undefined && value !== undefined) return { ...before, [name]: value };
  throw new InvalidArgumentError('Expected a name and a value, such as tenant=acme.');
}
