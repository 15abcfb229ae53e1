// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are source code
import type { Mutation } from './mutation.ts';

export const unique: readonly Mutation[] = [
  {
    name: 'uniqueness-not-kept',
    rule: '§6',
    in: 'core: normalise',
    find: 'policy && newUnique(policy, identity, now)',
    replace: 'null',
    cases: ['OJS-L4-UNQ-001', 'OJS-L4-UNQ-007', 'OJS-L4-UNQ-008', 'OJS-L4-UNQ-013', 'OJS-L3-UNQ-001'],
  },
  {
    name: 'duplicate-has-no-key',
    rule: '§6.3',
    in: 'server/binding: refusedBy',
    find: 'uniqueness_key: uniqueKey,',
    replace: '',
    cases: ['OJS-L4-UNQ-001'],
  },

  {
    name: 'queue-never-counts',
    rule: '§6.1',
    in: 'core: uniqueKey',
    find: "if (keys.includes('queue')) text +=",
    replace: 'if (keys.length === 0) text +=',
    cases: ['OJS-L4-UNQ-002', 'OJS-L4-UNQ-011'],
  },

  {
    name: 'args-keys-ignored',
    rule: '§6.1 args_keys',
    in: 'core: uniqueKey',
    find: 'argsKeys === null ? canonicalJson(job.args)',
    replace: 'argsKeys !== undefined ? canonicalJson(job.args)',
    cases: ['OJS-L4-UNQ-003', 'OJS-L4-UNQ-011'],
  },

  {
    name: 'no-unicode-form',
    rule: '§6.2',
    in: 'core: normalised',
    find: ".normalize('NFC')",
    replace: '',
    cases: ['OJS-L4-UNQ-012'],
  },
  {
    name: 'period-ignored',
    rule: '§6.3',
    in: 'core: newUnique',
    find: 'periodMs === null ? null : now - periodMs',
    replace: 'null',
    cases: ['OJS-L4-UNQ-004'],
  },

  {
    name: 'scheduled-holds-no-key',
    rule: '§6.1 states',
    in: 'core: uniqueOf',
    find: 'states: states ?? Waiting | State.active,',
    replace: 'states: states ?? State.available | State.active | State.retryable | State.pending,',
    cases: ['OJS-L4-UNQ-005', 'OJS-L4-UNQ-009'],
  },

  {
    name: 'states-ignored',
    rule: '§6.1 states',
    in: 'core: uniqueOf',
    find: 'states: states ?? Waiting | State.active,',
    replace: 'states: Waiting | State.active,',
    cases: ['OJS-L4-UNQ-006', 'OJS-L4-UNQ-014'],
  },

  {
    name: 'ignored-not-said',
    rule: '§6.3',
    in: 'server: enqueue',
    find: ',"deduplicated":true${replacement(item)}',
    replace: '${replacement(item)}',
    cases: ['OJS-L4-UNQ-007', 'OJS-L4-UNQ-009'],
  },
  {
    name: 'replace-keeps-the-old',
    rule: '§6.3',
    in: 'server/memory: carryOut',
    find: 'if (row) replace(tables, row, change);',
    replace: 'if (row === null) replace(tables, row, change);',
    cases: ['OJS-L4-UNQ-008', 'OJS-L4-UNQ-009'],
  },

  {
    name: 'any-state-name',
    rule: '§1.3',
    in: 'core: statesOf',
    find: 'value.length === 0 || !value.every(isState)',
    replace: '!value.some(isState)',
    cases: ['OJS-L4-UNQ-010'],
  },
  {
    name: 'meta-without-keys',
    rule: '§6.1',
    in: 'core: scopeOf',
    find: '(meta === undefined || meta?.length === 0)',
    replace: 'meta?.length === -1',
    cases: ['OJS-L4-UNQ-010'],
  },

  {
    name: 'batch-not-checked-within',
    rule: '§17',
    in: 'server/memory: Draft.plan',
    find: 'this.#keys.add(record.uniqueKey,',
    replace: "this.#keys.add('',",
    cases: ['OJS-L4-UNQ-013', 'OJS-L4-UNQ-015'],
  },
];
