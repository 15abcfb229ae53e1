import { elements, members } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import { InvalidArgumentError } from 'commander';
import { type Item, text } from '../../output/cells.ts';
import { type FormatFlags, printAnswer } from '../../output/format.ts';
import { oneLine } from '../../output/plain.ts';
import { ahead, atLeastOne, flag, type Values } from '../flags.ts';

/** Options of a job, besides its arguments and its queue. @param unset what holds without a priority. */
export function jobFlags(unset: string, time = ahead) {
  return {
    priority: flag('--priority <number>', `from -100 to 100, higher first; ${unset}`, priority),
    scheduled_at: flag('--at <time>', 'when it may start: 2026-01-31T09:00:00Z, or 10m for in ten minutes', time),
    max_attempts: flag('--max-attempts <count>', 'how many attempts the job has in all', atLeastOne),
    meta: flag('--meta <name=value>', 'a member of meta, such as tenant=acme; may be repeated', meta),
  };
}

/** The options as the server reads them. */
export function wireFlags({ priority, scheduled_at, meta, max_attempts }: Values<ReturnType<typeof jobFlags>>) {
  return { priority, scheduled_at, meta, ...(max_attempts !== undefined && { retry: { max_attempts } }) };
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
