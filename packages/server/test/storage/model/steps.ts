import { type EventBatch, readEntries } from '@ojs-ts/core/events';
import fc from 'fast-check';
import type { EventsRead, Held, Storage } from '../../../src/storage/storage.ts';

/** One call; it may be made on any storage, and its answer compared. */
export interface Step {
  readonly name: string;
  readonly call: (storage: Storage, now: number) => Promise<unknown>;
}

export const queueNames = ['a', 'b', 'c'];
export const limitKeys = ['k', 'l', 'queue:a'];
export const workflowIds = ['v', 'w'];
export const cronNames = ['c', 'd'];

export const queue = fc.constantFrom(...queueNames);
export const limitKey = fc.constantFrom(...limitKeys);
export const pageSize = fc.integer({ min: 1, max: 5 });

export function optional<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

/** Rarely there, where it most often stands in the way. */
export function sometimes<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
}

/** The object without the fields that are undefined, as options are given. */
export function given<T extends object>(fields: T): { [name in keyof T]?: Exclude<T[name], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.assign({}, ...present.map(([name, value]) => ({ [name]: value })));
}

export function step<T>(
  name: string,
  spec: fc.Arbitrary<T>,
  call: (storage: Storage, now: number, spec: T) => Promise<unknown>,
): fc.Arbitrary<Step> {
  return spec.map((spec) => ({
    name: `${name} ${JSON.stringify(spec)}`,
    call: (storage, now) => call(storage, now, spec),
  }));
}

/** Every page of a list; cursors may differ between storages, so they are left out. */
export async function allPages<T extends { readonly items: readonly unknown[]; readonly next: string | null }>(
  read: (after: string | null) => Promise<T>,
): Promise<readonly Omit<T, 'next'>[]> {
  const found: Omit<T, 'next'>[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const { next, ...page }: T = await read(after);
    found.push(page);
    after = next;
    more = next !== null;
  }
  return found;
}

/** All active jobs with a worker: their order is stable, and each storage has its own. */
export async function allHeld(storage: Storage, limit: number): Promise<readonly Held[]> {
  const pages = await allPages((after) => storage.upkeep.held(after, limit));
  return pages.flatMap(({ items }) => items).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The log by its events: storages may write the same ones more or less shortly. */
export async function readLog(read: Promise<EventsRead>): Promise<unknown> {
  const { batches, ...ends } = await read;
  return {
    batches: batches.map(({ entries, ...batch }: EventBatch) => ({ ...batch, entries: readEntries(entries) })),
    ...ends,
  };
}
