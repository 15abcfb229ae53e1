import type { Job } from './job.ts';

export type Wait = NonNullable<Job['x_wait']>[number];

/** The thing that a wait for a signal is for, as a sentence says it; null for any other wait. */
export function waitedFor({
  kind,
  name,
  signal = name,
  token,
}: Pick<Wait, 'name' | 'signal' | 'token'> & { readonly kind: string }): string | null {
  if (kind !== 'signal') return null;
  return token === undefined ? `signal ${signal}` : `token ${token}`;
}

/** The words of a button that ends everything that a job waits for. */
export function endsOf({ x_wait: waits = [] }: Pick<Job, 'x_wait'>): string {
  return waits.length > 1 ? 'End all waits' : 'End the wait';
}
