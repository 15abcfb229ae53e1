import type { SQLOutputValue } from 'node:sqlite';
import { type JobRecord, State } from '@ojs-ts/core';

export type Cells = readonly SQLOutputValue[];

/** The columns of a job in the order in which {@link readJob} expects them, `number` first. */
export const jobColumns =
  'number, state, claim, attempt, priority, run_at, enqueued_at, started_at, finished_at, dead_letter, lease_ms, lease_until, timeout_ms, ' +
  'visibility_ms, expires_at, created_at, id, queue, type, worker, trace, result, history, policy, envelope';

export interface JobRow {
  readonly number: number;
  readonly job: JobRecord;
}

export function readJob(cells: Cells): JobRow {
  return {
    number: integer(cells[0]),
    job: {
      id: text(cells[16]),
      type: text(cells[18]),
      queue: text(cells[17]),
      state: state(cells[1]),
      priority: integer(cells[4]),
      attempt: integer(cells[3]),
      claim: integer(cells[2]),
      runAt: integer(cells[5]),
      expiresAt: integerOrNull(cells[14]),
      timeoutMs: integer(cells[12]),
      visibilityMs: integerOrNull(cells[13]),
      createdAt: integer(cells[15]),
      enqueuedAt: integerOrNull(cells[6]),
      startedAt: integerOrNull(cells[7]),
      worker: textOrNull(cells[19]),
      leaseMs: integerOrNull(cells[10]),
      leaseUntil: integerOrNull(cells[11]),
      finishedAt: integerOrNull(cells[8]),
      deadLetter: cells[9] !== 0,
      trace: textOrNull(cells[20]),
      envelope: text(cells[24]),
      policy: textOrNull(cells[23]),
      result: textOrNull(cells[21]),
      history: text(cells[22]),
    },
  };
}

type Cell = SQLOutputValue | undefined;

export function integer(cell: Cell): number {
  if (typeof cell === 'number') return cell;
  throw new TypeError(`SQLite: expected a number, found ${cell === null ? 'null' : typeof cell}.`);
}

export function integerOrNull(cell: Cell): number | null {
  return cell === null ? null : integer(cell);
}

export function text(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  throw new TypeError(`SQLite: expected a text, found ${cell === null ? 'null' : typeof cell}.`);
}

export function textOrNull(cell: Cell): string | null {
  return cell === null ? null : text(cell);
}

const stateOfBit = new Map<number, State>(Object.values(State).map((bit) => [bit, bit]));

export function state(cell: Cell): State {
  const found = stateOfBit.get(integer(cell));
  if (found !== undefined) return found;
  throw new TypeError(`SQLite: ${cell} is not the bit of a state.`);
}
