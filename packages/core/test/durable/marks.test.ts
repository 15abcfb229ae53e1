import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasSteps, markOf, pastOf, type StepsMark, waitKinds, waitsOf, withMark } from '../../src/durable/index.ts';
import { State } from '../../src/job/index.ts';
import { suspended, wakeOf } from '../../src/lifecycle/index.ts';
import { anyRecord, apply, claimed, jobOf, start } from '../support/records.ts';

const tenYearsMs = 3_650 * 86_400_000;
/** No wait ends later. */
const at = fc.integer({ min: start, max: start + tenYearsMs });
const deadline = fc.option(fc.integer({ min: start, max: start + 2 * tenYearsMs }));
const name = fc.oneof(fc.string({ minLength: 1, maxLength: 128 }), fc.constantFrom('"steps":', '"suspended":', 'é'));
const waits = fc.array(
  fc.record(
    { name, kind: fc.constantFrom(...waitKinds), until: at, signal: name, token: name },
    {
      requiredKeys: ['name', 'kind'],
      noNullPrototype: true,
    },
  ),
  { minLength: 1, maxLength: 5 },
);
const count = fc.nat(20);
const mark: fc.Arbitrary<StepsMark> = fc.record(
  {
    past: count,
    deaths: count,
    deathsUntil: count,
    suspended: fc.record({ by: count, waits }, { noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

test('a mark is read as it was written, and changes no other part of the policy', () => {
  fc.assert(
    fc.property(anyRecord, mark, mark, (job, first, second) => {
      expect(hasSteps(job)).toBe(false);
      const marked = { ...job, policy: withMark({ ...job, policy: withMark(job, first) }, second) };
      expect(markOf(marked)).toStrictEqual(second);
      expect([hasSteps(marked), pastOf(marked)]).toEqual([true, second.past ?? 0]);
      const { steps: _, ...others } = JSON.parse(marked.policy);
      expect(others).toEqual(JSON.parse(job.policy ?? '{}'));
      const isSuspended = job.state === State.retryable && second.suspended !== undefined;
      expect(waitsOf(marked)).toEqual(isSuspended ? second.suspended?.waits : null);
    }),
  );
});

test('a suspended job runs again at the first end of its waits, and its attempt does not count', () => {
  fc.assert(
    fc.property(mark, waits, deadline, fc.nat(5), (before, waits, deadlineAt, attempt) => {
      const job = claimed({ ...jobOf(), deadlineAt, attempt });
      const ends = waits.map(({ until = Number.POSITIVE_INFINITY }) => until);
      const transition = suspended(job, before, waits, [], start);
      if (deadlineAt !== null && Math.min(...ends) > deadlineAt) {
        expect(transition.to).toBe(State.discarded);
        return;
      }
      const runAt = Math.min(...ends, deadlineAt ?? Number.POSITIVE_INFINITY, start + tenYearsMs);
      expect(transition).toMatchObject({ to: State.retryable, runAt, attempt });
      expect(wakeOf(job, waits, start)).toBe(runAt);
      const after = { ...apply(job, transition, start), policy: transition.policy ?? null };
      expect(markOf(after)).toStrictEqual({ ...before, suspended: { by: job.claim, waits } });
      expect(waitsOf(after)).toEqual(waits);
    }),
  );
});
