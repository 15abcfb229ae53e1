import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkpointCleared,
  checkpointed,
  checkpointOf,
  type JobRecord,
  type Reporter,
  readCheckpoint,
  renderCheckpoint,
  renderJob,
  type SentCheckpoint,
  State,
} from '../../src/job/index.ts';
import { claimed, jobOf, start } from '../support/records.ts';

const nobody: Reporter = { worker: null, claim: null, attempt: null };
const next = (state: string): SentCheckpoint => ({ state, save: null });
const saved = (job: JobRecord, state: string, now = start): JobRecord => ({
  ...job,
  checkpoint: checkpointed(job, next(state), nobody, now)?.checkpoint ?? null,
});

const noLease = () => -1;

describe('checkpoints (ojs-durable-execution)', () => {
  test('a read returns the last saved state, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { minLength: 1, maxLength: 5 }), (states) => {
        let job = claimed(jobOf());
        for (const [index, state] of states.entries()) {
          const read = readCheckpoint(`{"x":1, "state" : ${state} ,"attempt":1}`, noLease);
          job = saved(job, read.sent.state, start + index);
          expect(checkpointOf(job)).toEqual({ sequence: index + 1, at: start + index, state: state.trim() });
          expect(
            JSON.parse(renderCheckpoint(job.id, checkpointOf(job) ?? { sequence: 0, at: 0, state: '0' })).state,
          ).toEqual(JSON.parse(state));
        }
      }),
    );
  });

  test('a save with a number that arrives twice, or after a later one, changes nothing', () => {
    const calls = fc.shuffledSubarray([1, 1, 2, 2, 3, 4, 5], { minLength: 1 });
    fc.assert(
      fc.property(calls, (numbers) => {
        let job = claimed(jobOf());
        for (const number of numbers) {
          const change = checkpointed(job, { state: `"save ${number}"`, save: number }, nobody, start);
          job = { ...job, checkpoint: change?.checkpoint ?? job.checkpoint };
        }
        const last = Math.max(...numbers);
        expect(checkpointOf(job)).toMatchObject({ state: `"save ${last}"` });
        // A save without a number always counts, and leaves the numbers as they are.
        job = saved(job, '"unnumbered"');
        expect(checkpointed(job, { state: '"late"', save: last }, nobody, start)).toBeNull();
        expect(checkpointed(job, { state: '"next"', save: last + 1 }, nobody, start)).not.toBeNull();
        // The next execution counts anew.
        const again = { ...job, claim: job.claim + 1 };
        expect(checkpointed(again, { state: '"first"', save: 1 }, nobody, start)).not.toBeNull();
      }),
    );
  });

  test('null is a state, an absent member is an error', () => {
    expect(readCheckpoint('{"state":null}', noLease).sent.state).toBe('null');
    expect(() => readCheckpoint('{}', noLease)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    expect(checkpointOf(claimed(jobOf()))).toBeNull();
  });

  test('only of an active job, and of who runs it', () => {
    const job = claimed(jobOf());
    const conflict = expect.objectContaining({ code: 'conflict' });
    for (const state of Object.values(State).filter((one) => one !== State.active)) {
      expect(() => checkpointed({ ...job, state }, next('1'), nobody, start)).toThrow(conflict);
    }
    const owners: readonly Partial<Reporter>[] = [{ worker: 'w2' }, { claim: 7 }, { attempt: 2 }];
    for (const owner of owners) {
      expect(() => checkpointed(job, next('1'), { ...nobody, ...owner }, start)).toThrow(conflict);
      expect(() => checkpointCleared(saved(job, '1'), { ...nobody, ...owner })).toThrow(conflict);
    }
    expect(checkpointed(job, next('1'), { worker: 'w1', claim: 1, attempt: 1 }, start)).toMatchObject({
      beat: true,
      to: State.active,
      claim: 1,
    });
  });

  test('is cleared without moving the job; without a checkpoint nothing happens', () => {
    const job = saved(claimed(jobOf()), '1');
    expect(checkpointCleared(claimed(jobOf()), nobody)).toBeNull();
    for (const state of [State.active, State.retryable, State.discarded])
      expect(checkpointCleared({ ...job, state }, nobody)).toMatchObject({
        from: state,
        to: state,
        checkpoint: null,
        events: [],
      });
  });

  test('the worker that claims the job gets it, under both names', () => {
    const job = saved(claimed(jobOf()), '{"n":1.0}');
    expect(renderJob(job)).not.toContain('checkpoint');
    expect(renderJob(job, { lease: 'c1.x' })).toContain(
      '"checkpoint":{"state":{"n":1.0},"sequence":1},"last_checkpoint":{"n":1.0}',
    );
  });
});
