import { uuidv7 } from '@ojs-ts/core';
import { type NewJob, State } from '@ojs-ts/core/job';
import { payloadOf } from './payload.ts';

const hourMs = 3_600_000;

/** The n-th job for a storage itself, below any engine; available and plain, but for what `patch` says. */
export function newJob(n: number, now: number, patch: Partial<NewJob> & Pick<NewJob, 'queue'>): NewJob {
  const id = uuidv7();
  const args = JSON.stringify([payloadOf(n)]);
  return {
    id,
    type: 'bench.email',
    state: State.available,
    priority: 0,
    runAt: now,
    expiresAt: null,
    laterExpiresAt: null,
    deadlineAt: null,
    heartbeatMs: 60_000,
    timeoutMs: 24 * hourMs,
    visibilityMs: null,
    createdAt: now,
    node: null,
    cron: null,
    trace: null,
    unique: null,
    limits: [],
    envelope: `{"specversion":"1.0","id":"${id}","type":"bench.email","queue":"${patch.queue}","args":${args}}`,
    policy: null,
    ...patch,
  };
}
