import type { Mutation } from './mutation.ts';

export const fetch: readonly Mutation[] = [
  {
    name: 'queues-right-to-left',
    rule: 'ojs-worker-protocol §6.3',
    in: 'server/memory: serve',
    find: 'const queues = claim.queues.flatMap',
    replace: 'const queues = claim.queues.toReversed().flatMap',
    cases: ['OJS-L0-FET-004'],
  },

  {
    name: 'ten-by-default',
    rule: 'ojs-http-binding §10.1',
    in: 'server: readFetch',
    find: 'maxCount, true) ?? 1,',
    replace: 'maxCount, true) ?? 10,',
    cases: ['OJS-L0-FET-002', 'OJS-L0-FET-004', 'OJS-L0-FET-005'],
  },

  {
    name: 'blocks-by-default',
    rule: 'ojs-core §7.2',
    in: 'server: readFetch',
    find: "fields.integer('wait_ms', 0, maxWaitMs, true) ?? 0,",
    replace: "fields.integer('wait_ms', 0, maxWaitMs, true) ?? 2_000,",
    cases: ['OJS-L0-FET-001'],
  },
  {
    name: 'never-waits',
    rule: 'x-long-poll',
    in: 'server: Fetches.fetch',
    find: 'if (request.waitMs <= 0 ||',
    replace: 'if (request.waitMs >= 0 ||',
    cases: ['OJS-L0-FET-009', 'OJS-L0-FET-010'],
  },

  {
    name: 'request-id-forgotten',
    rule: 'x-repeatable-fetch',
    in: 'server: readFetch',
    find: "request: fields.string('request_id', 128),",
    replace: "request: fields.string('request_id', 128) && null,",
    cases: ['OJS-L0-FET-008', 'OJS-L1-EXC-003'],
  },

  {
    name: 'claimed-twice',
    rule: 'ojs-core §6.5.2',
    in: 'server/memory: start',
    find: 'row, after',
    replace: 'row, { ...after, state: State.available }',
    cases: ['OJS-L0-FET-003', 'OJS-L0-FET-011'],
  },
  {
    name: 'no-lease',
    rule: 'ojs-core §7.1.9, §7.2.6; x-lease',
    in: 'core: renderJob',
    find: 'if (options.lease !== undefined) text +=',
    replace: "if (options.lease === '') text +=",
    cases: ['OJS-L0-FET-007', 'OJS-L1-EXC-002', 'OJS-L1-OWN-003'],
  },
];
