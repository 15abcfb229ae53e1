import { type Millis, ProtocolError } from '@ojs-ts/core';
import { type EventBatch, readEventId } from '@ojs-ts/core/events';
import type { Storage } from '../../storage/storage.ts';

/** The last event that a reader has. */
export interface Cursor {
  readonly position: number;
  /** When the event at `position`, or the next one for a cursor between the two items of an event, was written. */
  readonly known: { readonly position: number; readonly at: Millis } | null;
}

/** Digits of a time in milliseconds, until the year 2286. */
const digits = 13;
const form = new RegExp(`^(\\d+)(?:\\.5|\\.(5?)(\\d{${digits}}))?$`);

/**
 * A position with the time of its event: a number that grows with the position. The time shows a store that went back
 * to an earlier state, and has another event there.
 */
export function cursorText(position: number, at: Millis | null): string {
  return at === null ? `${position}` : `${position}.${timeText(at)}`;
}

/** Behind the first of two items of the event at `position`. */
export function halfCursorText(position: number, at: Millis): string {
  return `${position - 1}.5${timeText(at)}`;
}

function timeText(at: Millis): string {
  return String(at).padStart(digits, '0');
}

/** A cursor or the id of an event; `foreign` for an event of another store, null for any other text. */
export function readCursor(text: string, seed: number): Cursor | 'foreign' | null {
  const event = readEventId(text);
  if (event !== null) return event.seed === seed ? { position: event.position, known: event } : 'foreign';
  const [, place = '', half = '', time] = form.exec(text) ?? [];
  const position = place === '' ? Number.NaN : Number(place);
  if (!Number.isSafeInteger(position)) return null;
  if (time === undefined) return { position, known: null };
  return { position, known: { position: position + (half === '' ? 0 : 1), at: Number(time) } };
}

/**
 * The cursor of a query; null without one.
 * @throws ProtocolError `invalid_request`
 */
export async function cursorOf(storage: Storage, after: string | null): Promise<number | 'foreign' | null> {
  if (after === null || after === '') return null;
  const cursor = readCursor(after, await storage.seed());
  if (cursor !== null) return placeOf(storage, cursor);
  const message = 'is not a cursor of this server; expected the cursor of an earlier answer, or the id of an event.';
  throw ProtocolError.invalid([{ path: 'after', message }]);
}

/** The position of a cursor; `foreign` where its event is not the one that the log has there. */
export async function placeOf(storage: Storage, cursor: Cursor | 'foreign'): Promise<number | 'foreign'> {
  if (cursor === 'foreign' || cursor.known === null) return cursor === 'foreign' ? cursor : cursor.position;
  return (await isThere(storage, cursor.known)) ? cursor.position : 'foreign';
}

/** False where the log has an event of another time at the position: the store has lost what came after some moment. */
export async function isThere(
  storage: Storage,
  { position, at }: { readonly position: number; readonly at: Millis },
): Promise<boolean> {
  const there = await timeAt(storage, position);
  return there === null || there === at;
}

/** When the event at the position was written; null where the log does not have it. */
export async function timeAt(storage: Storage, position: number): Promise<Millis | null> {
  if (position < 1) return null;
  const { batches } = await storage.events(position - 1, 1);
  return batches.find((batch) => has(batch, position))?.at ?? null;
}

export function has(batch: EventBatch, position: number): boolean {
  return position >= batch.position && position < batch.position + batch.count;
}
