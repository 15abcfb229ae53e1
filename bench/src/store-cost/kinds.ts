import { type NewJob, State } from '@ojs-ts/core';

/** Kinds of jobs that a storage handles differently. */
export const kinds = ['plain', 'limited', 'unique'] as const;
export type Kind = (typeof kinds)[number];

/** What makes the n-th job one of this kind. */
export function patchOf(kind: Kind, n: number): Partial<NewJob> {
  switch (kind) {
    case 'plain':
      return {};
    // Customers with a hundred jobs each, none of whom the limit holds back.
    case 'limited':
      return { limits: [{ key: `customer:${Math.floor(n / 100)}`, concurrency: 1_000, rates: [] }] };
    case 'unique':
      return { unique: { key: `unique-${n}`, states: unfinished, createdAfter: null, onConflict: 'keep' } };
  }
}

const unfinished = State.scheduled | State.available | State.pending | State.active | State.retryable;
