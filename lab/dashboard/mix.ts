/** The jobs of a filled store, the same for ours and for the peers of its dashboard. */

const queueCount = 20;
const typeCount = 50;
const tenantCount = 1_000;
/** Different errors; each is met with many different numbers in its text. */
const errorCount = 300;
/** Of the jobs of a run, the first are in a queue and of a type that no other has. */
const seldom = 5;

export const queues: readonly string[] = [...Array.from({ length: queueCount }, (_, at) => `work-${at}`), 'seldom'];

/** Of all jobs. The rest waits. */
export const shares = { completed: 0.6, discarded: 0.1, retryable: 0.05, scheduled: 0.1 } as const;

/** Nothing becomes due while somebody measures. */
export const retryMs = 3_600_000;
export const scheduledMs = 86_400_000;

export const resultOf = { sent: true } as const;

export interface Job {
  readonly queue: string;
  readonly type: string;
  readonly tenant: string;
  readonly argument: { readonly user: number; readonly subject: string; readonly lines: readonly string[] };
}

/** The `n`-th job of a run. */
export function jobOf(n: number): Job {
  return {
    queue: n < seldom ? 'seldom' : `work-${n % queueCount}`,
    type: n < seldom ? 'shop.seldom' : `shop.type-${n % typeCount}`,
    tenant: `tenant-${n % tenantCount}`,
    argument: { user: n, subject: `Your order ${n} is on its way`, lines: ['x'.repeat(120)] },
  };
}

/** The `n`-th error of a run. */
export function errorOf(n: number): { readonly type: string; readonly message: string } {
  const kind = n % errorCount;
  const step = `${String.fromCharCode(97 + (kind % 26))}${'x'.repeat(kind % 12)}`;
  return { type: `Error${kind % 30}`, message: `Step ${step} of order ${n} failed` };
}
