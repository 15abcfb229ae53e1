import type { Millis } from '@ojs-ts/core';
import { type EventBatch, type EventEntry, readEntries } from '@ojs-ts/core/events';
import { type State, Terminal } from '@ojs-ts/core/job';

/** One event of the log, and its part in a change of its job's state: several events may report one change. */
export interface LogEvent {
  readonly position: number;
  readonly at: Millis;
  readonly entry: EventEntry;
  /** The first event of a change of state; never that of a creation. */
  readonly moves: boolean;
  /** The last event of a change into a terminal state. */
  readonly ends: boolean;
}

/**
 * The events of a batch. The events of one change are adjacent, and a second change of the same job leads to another
 * state.
 */
export function eventsOf(batch: EventBatch): LogEvent[] {
  const entries = readEntries(batch.entries);
  return entries.map((entry, index) => {
    const changes = isChange(entry);
    return {
      position: batch.position + index,
      at: batch.at,
      entry,
      moves: changes && !isSameChange(entry, entries[index - 1]),
      ends: changes && isTerminal(entry[5]) && !isSameChange(entry, entries[index + 1]),
    };
  });
}

export function isChange([, , , , from, state]: EventEntry): boolean {
  return from !== null && state !== null && from !== state;
}

function isSameChange(one: EventEntry, other: EventEntry | undefined): boolean {
  return other !== undefined && one[1] === other[1] && one[4] === other[4] && one[5] === other[5];
}

function isTerminal(state: State | null): boolean {
  return state !== null && (state & Terminal) !== 0;
}
