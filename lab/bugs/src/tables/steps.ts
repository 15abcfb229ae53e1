import * as durable from '../../../../packages/core/src/durable/index.ts';
import { OlderWorkers } from '../../../../packages/server/src/engine/steps/older-workers.ts';
import type { CaseBugs } from '../bugs.ts';
import { answerTexts, without } from '../changes.ts';
import * as core from '../core.ts';
import { on, set } from '../plant.ts';

/** Durable steps: rows, the fence, suspensions and limits. */
export const steps: CaseBugs = {
  'step-rows-not-fetched': [
    'OJS-L1-STP-001 OJS-L1-STP-008',
    on(durable, 'claimedSteps', () => ({ text: '{"rows":[]}', bytes: 0 })),
  ],
  'step-later-outcome-wins': [
    'OJS-L1-STP-002',
    on(durable, 'mergedStep', (next, sent, existing, merging) =>
      next(sent, existing?.state === 'open' ? existing : null, merging),
    ),
  ],
  'step-owner-unchecked': ['OJS-L1-STP-003 OJS-L1-STP-004', on(core, 'isOwner', () => true)],
  'step-items-share-a-status': [
    'OJS-L1-STP-005',
    answerTexts(/^worker\.steps$/, (text) => text.replaceAll(/"status":4\d\d/g, '"status":200')),
  ],
  'suspension-counts-an-attempt': [
    'OJS-L1-STP-006',
    on(core, 'suspended', (next, ...given) => without(next(...given), 'attempt')),
  ],
  'suspension-repeat-refused': [
    'OJS-L1-STP-007',
    on(durable, 'markOf', (next, job) => {
      const mark = next(job);
      return mark?.suspended === undefined ? mark : { ...mark, suspended: { ...mark.suspended, by: 0 } };
    }),
  ],
  'step-due-early': [
    'OJS-L1-STP-009',
    on(durable, 'claimedSteps', (next, rows, now, room) => next(rows, now + 3_600_000, room)),
  ],
  'step-first-try-is-final': [
    'OJS-L1-STP-010',
    on(durable, 'mergedTry', (next, ...given) => {
      const merged = next(...given);
      return merged.kind === 'kept' ? merged : { ...merged, row: { ...merged.row, state: 'failed' } };
    }),
  ],
  'steps-for-every-worker': ['OJS-L1-STP-011', on(OlderWorkers.prototype, 'spared', async (_, _worker, jobs) => jobs)],
  'step-values-without-bound': [
    'OJS-L1-STP-012',
    set<{ valueBytes: number }, 'valueBytes'>(durable.stepLimits, 'valueBytes', 1e9),
  ],
  'step-progress-forgives-nothing': [
    'OJS-L1-STP-013',
    on(durable, 'withMark', (next, job, mark) => next(job, without(mark, 'past'))),
  ],
  'step-pages-end-early': [
    'OJS-L1-STP-014',
    answerTexts(/^job\.steps$/, (text) => text.replace(/"next":\d+/, '"next":null')),
  ],
  'step-args-edited': [
    'OJS-L1-STP-015',
    on(durable, 'fixedArgs', () => new core.ProtocolError('conflict', 'The job has steps.')),
  ],
  'suspension-outlives-total-timeout': [
    'OJS-L1-STP-016',
    on(core, 'suspended', (next, ...given) => ({ ...next(...given), to: core.State.retryable })),
  ],
  'signal-wakes-no-job': ['OJS-L1-STP-017', on(durable, 'isWaitingIn', () => false)],
  'signal-id-counts-twice': ['OJS-L1-STP-018', on(durable.OpenMailbox.prototype, 'knows', () => false)],
  'signal-after-timeout-wins': [
    'OJS-L1-STP-019',
    on(durable, 'mergedStep', (next, sent, existing, merging) =>
      next(sent, existing?.state === 'expired' ? null : existing, merging),
    ),
  ],
  'token-shared': [
    'OJS-L1-STP-020',
    answerTexts(/^worker\.steps$/, (text) => text.replace('"status":409', '"status":200')),
  ],
  'signals-share-a-status': [
    'OJS-L1-STP-021',
    answerTexts(/^signal\.send$/, (text) => text.replaceAll(/"status":\d+/g, '"status":409')),
  ],
  'mail-unlisted': ['OJS-L1-STP-022', on(durable.OpenMailbox.prototype, 'unread', () => [])],
  'wake-ends-every-wait': ['OJS-L1-STP-023', on(durable, 'wakeByHand', (next, store, id) => next(store, id, null))],
  'parent-sleeps-on': ['OJS-L1-STP-024', on(durable, 'wakeParent', function* () {})],
  'steps-taken-over-twice': [
    'OJS-L1-STP-025',
    on(durable, 'stepsMoved', () => new core.ProtocolError('conflict', 'The steps have moved.')),
  ],
  'discarded-job-not-undone': ['OJS-L1-STP-026', on(durable, 'quietFrom', () => Number.POSITIVE_INFINITY)],
  'rerun-forgets-undo': ['OJS-L1-STP-027', on(durable, 'standing', () => [])],
};
