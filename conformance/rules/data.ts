import type { Section } from './rule.ts';

export const data: Section = {
  title: 'Data model',
  rules: [
    {
      ref: 'deviations X1',
      must: 'The flat envelope and the one with options are both accepted; options win.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-002', 'OJS-L0-ENV-003'],
    },
    {
      ref: 'ojs-core §5.5.4; deviations X30',
      must: 'Unknown fields at the top come back verbatim; unknown options never refuse.',
      cases: ['OJS-L0-ENV-004'],
    },
    {
      ref: 'ojs-core §5.3',
      must: 'Fields that the server manages are ignored when a client sends them.',
      cases: ['OJS-L0-ENV-007', 'OJS-L2-CRN-024'],
    },
    {
      ref: 'ojs-json-format §14.2',
      must: 'An optional field of null is absent; null is never emitted for one.',
      cases: ['OJS-L0-ENV-008'],
    },
    { ref: 'ojs-core §5.1', must: 'specversion is 1.0 or absent.', cases: ['OJS-L0-ENV-020'] },
    {
      ref: 'ojs-core §5.1; deviations X3',
      must: 'Ids are UUIDv7 in lower case, unique over all states; a second one is 409.',
      cases: ['OJS-L0-ENV-009', 'OJS-L0-ENV-010'],
    },
    {
      ref: 'ojs-core §5.1; deviations X4',
      must: 'Types: lower case, digits, _ and -, joined by dots, at most 255.',
      cases: ['OJS-L0-ENV-011'],
    },
    {
      ref: 'ojs-core §5.1; deviations X31',
      must: 'Queues: the pattern, at most 128; default without one.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-012', 'OJS-L1-QUE-004'],
    },
    { ref: 'ojs-core §5.1', must: 'args is required and an array, which may be empty.', cases: ['OJS-L0-ENV-013'] },
    {
      ref: 'ojs-core §5.2, §11.6',
      must: 'meta of its three places is one object, its keys untouched, always returned.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-006'],
    },
    {
      ref: 'ojs-core §5.2; deviations X22',
      must: 'Priority is a whole number from −100 to 100, or HIGH, NORMAL, LOW.',
      cases: ['OJS-L0-ENV-014', 'OJS-L4-PRI-001'],
    },
    {
      ref: 'ojs-core §5.2; deviations X8, X9',
      must: 'Timeouts in milliseconds and seconds, 0 for the default of 1,800 s; timeout is echoed only where it was sent.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-016'],
    },
    {
      ref: 'ojs-worker-protocol §5.3; deviations X8',
      must: 'Visibility timeouts in milliseconds, seconds and as a duration.',
      cases: ['OJS-L0-ENV-017'],
    },
    {
      ref: 'ojs-core §5.2; deviations X8',
      must: 'scheduled_at and delay_until in either place.',
      cases: ['OJS-L0-ENV-018'],
    },
    { ref: 'ojs-core §5.2', must: 'Times may be relative to now.', cases: ['OJS-L0-ENV-019', 'OJS-L3-CHN-007'] },
    {
      ref: 'ojs-core §5.5.2; ojs-json-format §5.3; deviations X32',
      must: 'A time without a zone is refused; any offset is accepted and the text comes back as it was sent.',
      cases: ['OJS-L0-ENV-015', 'OJS-L2-DLY-002'],
    },
    {
      ref: 'ojs-core §5.2',
      must: 'tags and schema are kept and returned, even where the schema is not known.',
      cases: ['OJS-L0-ENV-025', 'OJS-L4-SCH-001'],
    },
    {
      ref: 'ojs-timeouts §6',
      must: 'retry_policy and the timeouts of ojs-timeouts in either place.',
      cases: ['OJS-L0-ENV-028'],
    },
    { ref: 'ojs-core §6.1', must: 'pending: true stages a job.', cases: ['OJS-L0-LIF-004', 'OJS-L0-LIF-005'] },
    {
      ref: 'ojs-core §7.1.9, §7.2.6',
      must: 'Every answer with a job has the complete envelope.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-FET-007', 'OJS-L0-SET-013', 'OJS-L1-DLQ-001'],
    },
    {
      ref: 'ojs-core §5.3; deviations X12',
      must: 'attempt is 0 at first and rises with each fetch only.',
      cases: ['OJS-L0-LIF-001', 'OJS-L0-SET-004', 'OJS-L0-SET-011', 'OJS-L1-VIS-001', 'OJS-L1-REP-004'],
    },
    {
      ref: 'ojs-core §5.3; deviations X15',
      must: 'enqueued_at is the entry into available; scheduled_at stays as sent.',
      cases: ['OJS-L0-ENV-018', 'OJS-L0-LIF-002', 'OJS-L1-RTR-020'],
    },
    {
      ref: 'ojs-core §5.3; deviations X14',
      must: 'completed_at is absent for cancelled and expired jobs, present for completed and exhausted ones.',
      cases: ['OJS-L0-LIF-006', 'OJS-L0-LIF-012', 'OJS-L0-SET-006', 'OJS-L2-TTL-001'],
    },
    {
      ref: 'ojs-core §5.3',
      must: 'error is removed by the acknowledgement, errors are kept.',
      cases: ['OJS-L0-SET-004'],
    },
    {
      ref: 'ojs-core §5.3; deviations X17',
      must: 'A result is any JSON value.',
      cases: ['OJS-L0-SET-002', 'OJS-L0-SET-003', 'OJS-L1-REP-003'],
    },
    { ref: 'ojs-core §5.3', must: 'retry_delay_ms stays on the next fetched envelope.', cases: ['OJS-L1-RTR-019'] },
    {
      ref: 'ojs-http-binding §16.3',
      must: 'A body that is empty, no JSON or no object is invalid_payload.',
      cases: ['OJS-L0-ENV-022', 'OJS-L2-CRN-022', 'OJS-L3-VAL-001'],
    },
    {
      ref: 'ojs-json-format §12.4',
      must: 'A wrong field is 400 invalid_request, each one named with its path.',
      cases: ['OJS-L0-ENV-021', 'OJS-L0-ENV-026'],
    },
    {
      ref: 'ojs-retry RET-19',
      must: 'A wrong retry policy is 422 validation_error and names its field.',
      cases: ['OJS-L1-RTR-011', 'OJS-L2-CRN-022', 'OJS-L3-VAL-002'],
    },
    {
      ref: 'ojs-unique-jobs §2.2; ojs-cron §3.5',
      must: 'A wrong unique policy, cron expression or zone is 400.',
      cases: ['OJS-L4-UNQ-010', 'OJS-L2-CRN-008', 'OJS-L2-CRN-010'],
    },
    {
      ref: 'ojs-http-binding §16.3',
      must: 'Args that do not match a registered schema are 400 schema_validation.',
      cases: ['OJS-L4-SCH-001'],
    },
    {
      ref: 'ojs-json-format §8.1',
      must: 'Envelopes of up to 1 MiB are accepted, larger ones are 413.',
      cases: ['OJS-L0-ENV-024', 'OJS-L0-SET-015'],
    },
    {
      ref: 'ojs-errors §6.2',
      must: 'Entries of errors have code, type, message, attempt and occurred_at; every dialect is read.',
      cases: ['OJS-L0-SET-008', 'OJS-L0-SET-009'],
    },
    {
      ref: 'ojs-core §8.1',
      must: 'A backtrace is cut to 50 frames and 10,000 characters.',
      cases: [],
      tests: [['packages/core/test/job/failure.test.ts', 'a backtrace is cut to 50 frames']],
      why: 'a SHOULD, held in core',
    },
    {
      ref: 'ojs-http-binding §16.1; deviations X2, X41',
      must: 'API errors are nested, with code, message, retryable, request_id, hint and docs_url.',
      cases: ['OJS-L0-SYS-007'],
    },
    {
      ref: 'ojs-timeouts §8',
      must: 'Errors of timeouts have their kind, limit and elapsed time.',
      cases: ['OJS-L1-TMO-001', 'OJS-L1-HBT-011', 'OJS-L2-TTL-007', 'OJS-L1-TMO-007'],
    },
    {
      ref: 'ojs-worker-protocol §10.2',
      must: 'Losses have the reserved types visibility_timeout and worker_death.',
      cases: ['OJS-L1-VIS-001'],
      tests: [['packages/server/test/engine/upkeep.test.ts', 'a worker is dead after 30 s without a heartbeat']],
    },
    {
      ref: 'ojs-json-format §13.4',
      must: 'JSON of users is opaque text: numbers, key order and escapes survive.',
      cases: ['OJS-L0-ENV-005', 'OJS-L0-SET-002', 'OJS-L3-CHN-002'],
    },
    { ref: 'ojs-json-format §13.6', must: 'Of a key given twice the last counts.', cases: ['OJS-L0-ENV-023'] },
    {
      ref: 'ojs-json-format §2.3',
      must: 'UTF-8 without a byte order mark; nesting is bounded.',
      cases: [],
      tests: [
        ['packages/core/test/json/json.test.ts', 'refuses a byte order mark'],
        ['packages/core/test/json/json.test.ts', 'refuses what nests too deep'],
      ],
      why: 'cases are JSON themselves: the runner cannot send such bytes',
    },
    {
      ref: 'ojs-retry §4.2; deviations X6',
      must: 'Durations are ISO 8601 and *_ms; 1s, P and PT are refused.',
      cases: ['OJS-L1-RTR-010', 'OJS-L1-RTR-011', 'OJS-L4-UNQ-010'],
    },
    {
      ref: 'ojs-json-format §8.3',
      must: 'Batches of 1,000 are accepted; the size limit is the envelope’s.',
      cases: ['OJS-L0-SET-015'],
    },
    { ref: 'ojs-workflows §7.5', must: 'Results of 64 KiB are kept.', cases: ['OJS-L3-RES-001'] },
    { ref: 'ojs-retry §10.1', must: 'At least the ten newest errors are kept.', cases: ['OJS-L0-SET-010'] },
  ],
};
