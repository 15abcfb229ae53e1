// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are source code
import type { Mutation } from './mutation.ts';

export const unique: readonly Mutation[] = [
  {
    name: 'uniqueness-not-kept',
    rule: 'ojs-unique-jobs §5.1',
    in: 'core: normalise',
    find: 'policy && newUnique(policy, identity, now)',
    replace: 'null',
    cases: ['OJS-L4-UNQ-001', 'OJS-L4-UNQ-007', 'OJS-L4-UNQ-008', 'OJS-L4-UNQ-013', 'OJS-L3-UNQ-001'],
  },
  {
    name: 'duplicate-has-no-key',
    rule: 'ojs-unique-jobs §5.1',
    in: 'core: refusedBy',
    find: 'uniqueness_key: uniqueKey,',
    replace: '',
    cases: ['OJS-L4-UNQ-001'],
  },

  {
    name: 'queue-never-counts',
    rule: 'ojs-unique-jobs §3, §2.2',
    in: 'core: uniqueKey',
    find: "if (keys.includes('queue')) text +=",
    replace: 'if (keys.length === 0) text +=',
    cases: ['OJS-L4-UNQ-002', 'OJS-L4-UNQ-011'],
  },

  {
    name: 'args-keys-ignored',
    rule: 'ojs-unique-jobs §2.2; deviations X18',
    in: 'core: uniqueKey',
    find: 'argsKeys === null ? canonicalJson(job.args)',
    replace: 'argsKeys !== undefined ? canonicalJson(job.args)',
    cases: ['OJS-L4-UNQ-003', 'OJS-L4-UNQ-011'],
  },

  {
    name: 'no-unicode-form',
    rule: 'ojs-unique-jobs §4',
    in: 'core: normalised',
    find: ".normalize('NFC')",
    replace: '',
    cases: ['OJS-L4-UNQ-012'],
  },
  {
    name: 'period-ignored',
    rule: 'ojs-unique-jobs §7',
    in: 'core: newUnique',
    find: 'periodMs === null ? null : now - periodMs',
    replace: 'null',
    cases: ['OJS-L4-UNQ-004'],
  },

  {
    name: 'scheduled-holds-no-key',
    rule: 'ojs-unique-jobs §6',
    in: 'core: uniqueOf',
    find: 'states: states ?? Waiting | State.active,',
    replace: 'states: states ?? State.available | State.active | State.retryable | State.pending,',
    cases: ['OJS-L4-UNQ-005', 'OJS-L4-UNQ-009'],
  },

  {
    name: 'states-ignored',
    rule: 'ojs-unique-jobs §6',
    in: 'core: uniqueOf',
    find: 'states: states ?? Waiting | State.active,',
    replace: 'states: Waiting | State.active,',
    cases: ['OJS-L4-UNQ-006', 'OJS-L4-UNQ-014'],
  },

  {
    name: 'ignored-not-said',
    rule: 'ojs-unique-jobs §5.4, §5.3',
    in: 'core: enqueuedReply',
    find: ',"deduplicated":true${replacement(item)}',
    replace: '${replacement(item)}',
    cases: ['OJS-L4-UNQ-007', 'OJS-L4-UNQ-009'],
  },
  {
    name: 'replace-keeps-the-old',
    rule: 'ojs-unique-jobs §5.2',
    in: 'server/memory: carryOut',
    find: 'if (row) replace(tables, row, change);',
    replace: 'if (row === null) replace(tables, row, change);',
    cases: ['OJS-L4-UNQ-008', 'OJS-L4-UNQ-009'],
  },

  {
    name: 'any-state-name',
    rule: 'ojs-unique-jobs §2.2',
    in: 'core: statesOf',
    find: 'value.length === 0 || !value.every(isState)',
    replace: '!value.some(isState)',
    cases: ['OJS-L4-UNQ-010'],
  },
  {
    name: 'meta-without-keys',
    rule: 'ojs-unique-jobs §2.2',
    in: 'core: scopeOf',
    find: '(meta === undefined || meta?.length === 0)',
    replace: 'meta?.length === -1',
    cases: ['OJS-L4-UNQ-010'],
  },

  {
    name: 'batch-not-checked-within',
    rule: 'ojs-http-binding §7.2; ojs-unique-jobs §5.3',
    in: 'core: Looking.admit',
    find: 'this.#keys.add(record.uniqueKey,',
    replace: "this.#keys.add('',",
    cases: ['OJS-L4-UNQ-013', 'OJS-L4-UNQ-015'],
  },
];
