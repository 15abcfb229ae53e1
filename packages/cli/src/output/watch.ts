import { setTimeout as pause } from 'node:timers/promises';
import { readDuration } from '@ojs-ts/core';
import { InvalidArgumentError } from 'commander';
import { Failure } from '../connection/failure.ts';

export interface WatchFlags {
  /** Milliseconds between two looks. */
  readonly watch?: number | true;
}

const usualMs = 2_000;
const clear = '\u001b[2J\u001b[H';

export async function watching({ watch }: WatchFlags, show: () => Promise<void>): Promise<void> {
  if (watch === undefined) return show();
  for (;;) {
    if (process.stdout.isTTY) process.stdout.write(clear);
    await show().catch(told);
    await pause(watch === true ? usualMs : watch);
  }
}

/** Reads the time between two looks. */
export function every(text: string): number {
  const ms = readDuration(text);
  if (ms !== null && ms >= 100) return ms;
  throw new InvalidArgumentError('Expected a duration of 100ms or more, such as 5s.');
}

/** A server that restarts does not end the watch. */
function told(error: unknown): void {
  if (!(error instanceof Failure) || error.kind === 'usage') throw error;
  console.error(error.message);
}
