import { ProtocolError } from '../errors.ts';
import type { Millis } from '../time/clock.ts';
import type { JobRecord } from './job.ts';

/**
 * The end of a page of a job list. A list has unfinished jobs by creation, then finished ones by the time of their end;
 * newest first in both. A place is a value, not a row, so it stays valid when its row moves or is deleted.
 */
export interface Place {
  /** Null in the unfinished part. */
  readonly finishedAt: Millis | null;
  /** Order of creation in this store. */
  readonly number: number;
}

export function placeOf(job: Pick<JobRecord, 'finishedAt'>, number: number): Place {
  return { finishedAt: job.finishedAt, number };
}

/** Negative where `a` is listed before `b`. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.finishedAt === null) return b.finishedAt === null ? b.number - a.number : -1;
  return b.finishedAt === null ? 1 : b.finishedAt - a.finishedAt || b.number - a.number;
}

export function cursorOf({ finishedAt, number }: Place): string {
  return finishedAt === null ? `u${number}` : `f${finishedAt}.${number}`;
}

/** @throws ProtocolError `invalid_request` if the text is no cursor of a job list. */
export function readCursor(cursor: string): Place {
  const match = /^(?:u|f(\d{1,16})\.)(\d{1,16})$/.exec(cursor);
  if (!match) throw wrongCursor();
  return { finishedAt: match[1] === undefined ? null : Number(match[1]), number: Number(match[2]) };
}

export function wrongCursor(): ProtocolError {
  return ProtocolError.invalid([
    { path: '$.cursor', message: 'is not a cursor of this list; expected the cursor of the previous page' },
  ]);
}
