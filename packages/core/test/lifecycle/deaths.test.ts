import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { presumed } from '../../src/lifecycle/index.ts';
import { claimed, jobOf, start } from '../support/records.ts';

const ms = fc.integer({ min: 1, max: 60_000 });
/** How long after its claim a job's worker sent its last heartbeat, which left the job out; below 0 for one before. */
const lag = fc.integer({ min: -60_000, max: 60_000 });
/** A server whose clock is at the edge of another time: just before, then, just after. */
const edge = fc.constantFrom(-1, 0, 1);

function silence(leaseMs: number, lagMs: number, everyMs: number | null, deadAfterMs: number) {
  const seenAt = start + lagMs;
  const job = claimed(jobOf(), start, 'w1', leaseMs);
  const signs = { seenAt, seenBefore: everyMs === null ? null : seenAt - everyMs };
  return {
    seenAt,
    leaseEnd: start + leaseMs,
    deadAt: seenAt + Math.min(leaseMs, deadAfterMs),
    at: (now: number, since = 0) => presumed(job, signs, now, since, deadAfterMs),
  };
}

describe('a lease that ends in the silence of its worker', () => {
  test('waits until the worker is dead, and uses no attempt meanwhile', () => {
    fc.assert(
      fc.property(ms, lag, fc.option(ms), ms, edge, (leaseMs, lagMs, everyMs, deadAfterMs, by) => {
        fc.pre((everyMs ?? 0) <= leaseMs && lagMs < leaseMs);
        const { at, leaseEnd, deadAt } = silence(leaseMs, lagMs, everyMs, deadAfterMs);
        const now = Math.max(leaseEnd, deadAt + by);
        expect(at(now)).toBe(now < deadAt ? 'unknown' : 'dead');
        expect(at(leaseEnd)).not.toBe('alive');
        expect(at(leaseEnd + leaseMs)).toBe('dead');
      }),
    );
  });

  test('uses an attempt if a heartbeat after its end leaves the job out', () => {
    fc.assert(
      fc.property(ms, ms, fc.option(ms), ms, (leaseMs, late, everyMs, deadAfterMs) => {
        const { at, seenAt, deadAt } = silence(leaseMs, leaseMs + late - 1, everyMs, deadAfterMs);
        expect(at(seenAt)).toBe('alive');
        expect(at(deadAt - 1)).toBe('alive');
      }),
    );
  });

  test('says nothing where heartbeats are rarer than leases, until one is missing', () => {
    fc.assert(
      fc.property(ms, ms, (leaseMs, more) => {
        const everyMs = leaseMs + more;
        const { at, leaseEnd, seenAt } = silence(leaseMs, 0, everyMs, 1_000_000);
        expect(at(leaseEnd)).toBe('alive');
        expect(at(Math.ceil(seenAt + 1.5 * everyMs) - 1)).toBe('alive');
        expect(at(Math.ceil(seenAt + 1.5 * everyMs))).toBe('dead');
      }),
    );
  });

  test('waits for a heartbeat after the server was away, whatever else is known', () => {
    fc.assert(
      fc.property(ms, lag, fc.option(ms), ms, ms, (leaseMs, lagMs, everyMs, deadAfterMs, away) => {
        const { at, seenAt, leaseEnd } = silence(leaseMs, lagMs, everyMs, deadAfterMs);
        const since = Math.max(leaseEnd, seenAt + away);
        expect(at(since, since)).toBe('unknown');
        expect(at(since + deadAfterMs - 1, since)).toBe('unknown');
        expect(at(since + deadAfterMs, since)).toBe('dead');
      }),
    );
  });
});

test('a worker without heartbeats is dead only if its claim asked for a lease, and a job without a worker never is', () => {
  const job = claimed(jobOf(), start, 'w1', 1_000);
  const now = start + 1_000;
  expect(presumed(job, undefined, now, 0, 30_000)).toBe('alive');
  expect(presumed({ ...job, leaseRequired: true }, undefined, now, 0, 30_000)).toBe('dead');
  expect(presumed({ ...job, worker: null, leaseRequired: true }, undefined, now, 0, 30_000)).toBe('alive');
});
