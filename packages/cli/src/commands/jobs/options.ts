import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { type Command, InvalidArgumentError } from 'commander';
import { Failure } from '../../connection/failure.ts';
import { type Item, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer } from '../../output/format.ts';
import { oneLine } from '../../output/plain.ts';
import { ahead } from '../times.ts';
import { atLeastOne, filled } from '../values.ts';

export interface JobFlags {
  readonly queue?: string;
  readonly priority?: number;
  readonly at?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly maxAttempts?: number;
}

/** Adds the options of a job, besides its arguments and its queue. @param unset what holds without a priority. */
export function takesJobOptions(command: Command, unset: string, time: (text: string) => string = ahead): Command {
  return command
    .option('--priority <number>', `from -100 to 100; ${unset}`, priority)
    .option('--at <time>', 'when it may start: 2026-01-31T09:00:00Z, or 10m for in ten minutes', time)
    .option('--max-attempts <count>', 'attempts in all', atLeastOne)
    .option('--meta <name=value>', 'a member of its meta; may be repeated', meta);
}

export function takesQueue(command: Command): Command {
  return command.option('--queue <name>', 'queue; default "default"', filled);
}

/** The options as the server reads them. */
export function wireFlags({ queue, priority, at, meta, maxAttempts }: JobFlags) {
  return {
    queue,
    priority,
    scheduled_at: at,
    meta,
    ...(maxAttempts !== undefined && { retry: { max_attempts: maxAttempts } }),
  };
}

/** Arguments are sent unchanged. @throws Failure `usage` for a text that is no JSON array. */
export function array(args: string): Json {
  try {
    if (Array.isArray(JSON.parse(args))) return args;
  } catch {
    // The text is refused below.
  }
  throw new Failure(
    'usage',
    `Expected the arguments as a JSON array, such as '["a", 1]', got ${JSON.stringify(args)}.`,
  );
}

/** Prints the job of an answer, and its warnings. @param said the line about it, without its end. */
export function printJob(answer: Json, flags: FormatFlags, said: (job: Item, answer: Item) => string): void {
  const found = members(answer);
  for (const warning of elements(found.get('warnings') ?? '[]')) console.error(`Warning: ${oneLine(warning)}`);
  printAnswer(found.get('job') ?? answer, flags, (job) => {
    const item: Item = JSON.parse(job);
    return `${said(item, JSON.parse(answer))} ${text(item, 'state')} in ${text(item, 'queue')}.`;
  });
}

export function priority(given: string): number {
  if (/^-?\d{1,3}$/.test(given) && Math.abs(Number(given)) <= 100) return Number(given);
  throw new InvalidArgumentError('Expected a whole number from -100 to 100.');
}

function meta(given: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
  if (name !== undefined && value !== undefined) return { ...before, [name]: value };
  throw new InvalidArgumentError('Expected a name and a value, such as tenant=acme.');
}
