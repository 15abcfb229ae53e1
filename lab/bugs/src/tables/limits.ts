import * as canonical from '../../../../packages/core/src/json/canonical.ts';
import * as fingerprint from '../../../../packages/core/src/lifecycle/unique/fingerprint.ts';
import { HeldKeys } from '../../../../packages/core/src/lifecycle/unique/held-keys.ts';
import * as claim from '../../../../packages/core/src/memory/claim.ts';
import * as move from '../../../../packages/core/src/memory/move.ts';
import { Tables } from '../../../../packages/core/src/memory/tables.ts';
import type { CaseBugs } from '../bugs.ts';
import { enqueued, without } from '../changes.ts';
import * as core from '../core.ts';
import { on, type Plant } from '../plant.ts';

const { State } = core;

/** Changes what a unique policy says; `value` is as it was sent. */
function unique(
  change: (policy: core.UniquePolicy, value: Readonly<Record<string, unknown>>) => Partial<core.UniquePolicy>,
  sent: (value: Readonly<Record<string, unknown>>) => object = (value) => value,
): Plant {
  return on(core, 'uniqueOf', (next, value, ...rest) => {
    if (!core.isObject(value)) return next(value, ...rest);
    const policy = next(sent(value), ...rest);
    return { ...policy, ...change(policy, value) };
  });
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Unique keys, pauses, limits of concurrency and of rate. */
export const limits: CaseBugs = {
  'uniqueness-not-kept': [
    'OJS-L4-UNQ-001 OJS-L4-UNQ-007 OJS-L4-UNQ-008 OJS-L4-UNQ-013 OJS-L3-UNQ-001',
    enqueued((job) => ({ ...job, unique: null })),
  ],
  'duplicate-has-no-key': [
    'OJS-L4-UNQ-001',
    on(core, 'refusedBy', (next, ...args) => {
      const { code, message, details } = next(...args);
      return new core.ProtocolError(code, message, without(details, 'uniqueness_key'));
    }),
  ],
  'queue-never-counts': [
    'OJS-L4-UNQ-002 OJS-L4-UNQ-011',
    on(fingerprint, 'uniqueKey', (next, scope, job) =>
      next({ ...scope, keys: scope.keys.filter((key) => key !== 'queue') }, job),
    ),
  ],
  'args-keys-ignored': [
    'OJS-L4-UNQ-003 OJS-L4-UNQ-011',
    on(fingerprint, 'uniqueKey', (next, scope, job) => next({ ...scope, argsKeys: null }, job)),
  ],
  'no-unicode-form': ['OJS-L4-UNQ-012', on(canonical, 'normalised', (_, value) => value)],
  'period-ignored': [
    'OJS-L4-UNQ-004',
    on(core, 'newUnique', (next, policy, ...rest) => next({ ...policy, periodMs: null }, ...rest)),
  ],
  'scheduled-holds-no-key': [
    'OJS-L4-UNQ-005 OJS-L4-UNQ-009',
    unique(({ states }, value) => (value.states === undefined ? { states: states & ~State.scheduled } : {})),
  ],
  'states-ignored': ['OJS-L4-UNQ-006 OJS-L4-UNQ-014', unique(() => ({ states: core.Waiting | State.active }))],
  'ignored-not-said': [
    'OJS-L4-UNQ-007 OJS-L4-UNQ-009',
    on(core, 'enqueuedReply', (next, ...args) => {
      const reply = next(...args);
      return { ...reply, text: reply.text.replace('"deduplicated"', '"x"') };
    }),
  ],
  'replace-keeps-the-old': ['OJS-L4-UNQ-008 OJS-L4-UNQ-009', on(move, 'replace', () => {})],
  'any-state-name': [
    'OJS-L4-UNQ-010',
    unique(
      () => ({}),
      (value) => ('states' in value ? { ...value, states: listOf(value.states).filter(core.isState) } : value),
    ),
  ],
  'meta-without-keys': [
    'OJS-L4-UNQ-010',
    unique(
      () => ({}),
      (value) => ('keys' in value ? { ...value, keys: listOf(value.keys).filter((key) => key !== 'meta') } : value),
    ),
  ],
  'batch-not-checked-within': [
    'OJS-L4-UNQ-013 OJS-L4-UNQ-015',
    on(HeldKeys.prototype, 'add', (next, _, holder) => next('', holder)),
  ],
  'pause-ignored': [
    'OJS-L4-PAU-001 OJS-L4-PAU-002 OJS-L2-CRN-025 OJS-L1-QUE-001',
    on(claim, 'claim', (next, tables, ...rest) => {
      const paused = [...tables.queues.values()].filter((queue) => queue.paused);
      for (const queue of paused) queue.paused = false;
      const claimed = next(tables, ...rest);
      for (const queue of paused) queue.paused = true;
      return claimed;
    }),
  ],
  'limit-off-by-one': [
    'OJS-L4-RLM-002 OJS-L4-RLM-003 OJS-L4-RLM-004 OJS-L4-RLM-007 OJS-L2-CRN-017',
    on(core, 'hasSlot', (next, numbers, active) => next(numbers, active - 1)),
  ],
  'window-edge': [
    'OJS-L4-RLM-001 OJS-L4-RLM-008',
    on(core, 'reopensAt', (next, numbers, nthLast, now) => next(numbers, (n) => nthLast(n + 1), now)),
  ],
  'first-writer-wins': [
    'OJS-L4-RLM-005',
    on(Tables.prototype, 'changeLimit', function (next, key, settings, now) {
      return settings.own !== undefined && this.limits.has(key) ? this.limit(key) : next(key, settings, now);
    }),
  ],
  'on-limit-ignored': [
    'OJS-L4-RLM-006 OJS-L0-ENV-027',
    on(core, 'readLimits', (next, value, ...rest) =>
      next(
        JSON.parse(JSON.stringify(value), (name, one) => (name === 'on_limit' ? undefined : one)),
        ...rest,
      ),
    ),
  ],
};
