import type { Section } from './rule.ts';

export const data: Section = {
  title: 'Data model',
  rules: [
    {
      ref: 'deviations X1',
      must: 'The server accepts the flat envelope and the one with options. A field in options wins.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-002', 'OJS-L0-ENV-003'],
    },
    {
      ref: 'ojs-core §5.5.4; deviations X30',
      must: 'The server keeps unknown top-level fields verbatim and never refuses a request for an unknown option.',
      cases: ['OJS-L0-ENV-004'],
    },
    {
      ref: 'ojs-core §5.3',
      must: 'The server ignores system-managed fields that a client sends.',
      cases: ['OJS-L0-ENV-007', 'OJS-L2-CRN-024'],
    },
    {
      ref: 'ojs-json-format §14.2',
      must: 'The server treats null in an optional field as absence, and never answers null for such a field.',
      cases: ['OJS-L0-ENV-008'],
    },
    { ref: 'ojs-core §5.1', must: 'specversion is 1.0 or absent.', cases: ['OJS-L0-ENV-020'] },
    {
      ref: 'ojs-core §5.1; deviations X3',
      must: 'Ids are UUIDv7 in lower case and unique over all states. A second job with the id is 409.',
      cases: ['OJS-L0-ENV-009', 'OJS-L0-ENV-010'],
    },
    {
      ref: 'ojs-core §5.1; deviations X4',
      must: 'A type consists of lower-case letters, digits, _ and -, joined by dots; at most 255 characters.',
      cases: ['OJS-L0-ENV-011'],
    },
    {
      ref: 'ojs-core §5.1; deviations X31',
      must: 'A queue name fits the pattern and has at most 128 characters. A job without a queue goes to default.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-012', 'OJS-L1-QUE-004'],
    },
    { ref: 'ojs-core §5.1', must: 'args is required and an array, which may be empty.', cases: ['OJS-L0-ENV-013'] },
    {
      ref: 'ojs-core §5.2, §11.6',
      must: 'The server merges meta from its three places into one object, keeps its keys and always returns it.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-006'],
    },
    {
      ref: 'ojs-core §5.2; deviations X22',
      must: 'Priority is a whole number from −100 to 100, or HIGH, NORMAL, LOW.',
      cases: ['OJS-L0-ENV-014', 'OJS-L4-PRI-001'],
    },
    {
      ref: 'ojs-core §5.2; deviations X8, X9',
      must: 'The server reads timeouts in milliseconds and in seconds; 0 means the default of 1,800 s. The server echoes timeout only if the client sent it.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-ENV-016'],
    },
    {
      ref: 'ojs-worker-protocol §5.3; deviations X8',
      must: 'The server reads visibility timeouts in milliseconds, in seconds and as ISO 8601 durations.',
      cases: ['OJS-L0-ENV-017'],
    },
    {
      ref: 'ojs-core §5.2; deviations X8',
      must: 'The server reads scheduled_at and delay_until, at the top level and in options.',
      cases: ['OJS-L0-ENV-018'],
    },
    { ref: 'ojs-core §5.2', must: 'A time may be a duration from now.', cases: ['OJS-L0-ENV-019', 'OJS-L3-CHN-007'] },
    {
      ref: 'ojs-core §5.5.2; ojs-json-format §5.3; deviations X32',
      must: 'The server refuses a time without a zone, accepts any offset and returns the text that the client sent.',
      cases: ['OJS-L0-ENV-015', 'OJS-L2-DLY-002'],
    },
    {
      ref: 'ojs-core §5.2',
      must: 'The server keeps and returns tags and schema, even if it does not know the schema.',
      cases: ['OJS-L0-ENV-025', 'OJS-L4-SCH-001'],
    },
    {
      ref: 'ojs-timeouts §6',
      must: 'The server reads retry_policy and the timeouts of ojs-timeouts, at the top level and in options.',
      cases: ['OJS-L0-ENV-028'],
    },
    {
      ref: 'ojs-core §6.1',
      must: 'A job with pending: true waits for its activation.',
      cases: ['OJS-L0-LIF-004', 'OJS-L0-LIF-005'],
    },
    {
      ref: 'ojs-core §7.1.9, §7.2.6',
      must: 'Every answer with a job contains the complete envelope.',
      cases: ['OJS-L0-ENV-001', 'OJS-L0-FET-007', 'OJS-L0-SET-013', 'OJS-L1-DLQ-001'],
    },
    {
      ref: 'ojs-core §5.3; deviations X12',
      must: 'attempt starts at 0 and rises only with a fetch.',
      cases: ['OJS-L0-LIF-001', 'OJS-L0-SET-004', 'OJS-L0-SET-011', 'OJS-L1-VIS-001', 'OJS-L1-REP-004'],
    },
    {
      ref: 'ojs-core §5.3; deviations X15',
      must: 'enqueued_at is the time when the job became available. scheduled_at stays as the client sent it.',
      cases: ['OJS-L0-ENV-018', 'OJS-L0-LIF-002', 'OJS-L1-RTR-020'],
    },
    {
      ref: 'ojs-core §5.3; deviations X14',
      must: 'Completed and exhausted jobs have completed_at; cancelled and expired jobs do not.',
      cases: ['OJS-L0-LIF-006', 'OJS-L0-LIF-012', 'OJS-L0-SET-006', 'OJS-L2-TTL-001'],
    },
    {
      ref: 'ojs-core §5.3',
      must: 'An ack removes error and keeps errors.',
      cases: ['OJS-L0-SET-004'],
    },
    {
      ref: 'ojs-core §5.3; deviations X17',
      must: 'A result is any JSON value.',
      cases: ['OJS-L0-SET-002', 'OJS-L0-SET-003', 'OJS-L1-REP-003'],
    },
    { ref: 'ojs-core §5.3', must: 'The next fetched envelope still has retry_delay_ms.', cases: ['OJS-L1-RTR-019'] },
    {
      ref: 'ojs-http-binding §16.3',
      must: 'A body that is empty, not JSON or not an object is invalid_payload.',
      cases: ['OJS-L0-ENV-022', 'OJS-L2-CRN-022', 'OJS-L3-VAL-001'],
    },
    {
      ref: 'ojs-json-format §12.4',
      must: 'A wrong field is 400 invalid_request. The answer names each wrong field with its path.',
      cases: ['OJS-L0-ENV-021', 'OJS-L0-ENV-026'],
    },
    {
      ref: 'ojs-retry RET-19',
      must: 'A wrong retry policy is 422 validation_error. The answer names the field.',
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
      must: 'Each entry of errors has code, type, message, attempt and occurred_at. The server reads every dialect of the error object.',
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
      must: 'The error of a timeout has the kind of timeout, the limit and the elapsed time.',
      cases: ['OJS-L1-TMO-001', 'OJS-L1-HBT-011', 'OJS-L2-TTL-007', 'OJS-L1-TMO-007'],
    },
    {
      ref: 'ojs-worker-protocol §10.2',
      must: 'The error of a lost job has the reserved type visibility_timeout or worker_death.',
      cases: ['OJS-L1-VIS-001'],
      tests: [['packages/server/test/engine/upkeep/upkeep.test.ts', 'a worker is dead after 30 s without a heartbeat']],
    },
    {
      ref: 'ojs-json-format §13.4',
      must: 'The server keeps numbers, key order and escapes of a user’s JSON.',
      cases: ['OJS-L0-ENV-005', 'OJS-L0-SET-002', 'OJS-L3-CHN-002'],
    },
    { ref: 'ojs-json-format §13.6', must: 'If a key occurs twice, the last value counts.', cases: ['OJS-L0-ENV-023'] },
    {
      ref: 'ojs-json-format §2.3',
      must: 'The server refuses a byte order mark and JSON that nests too deep.',
      cases: [],
      tests: [
        ['packages/core/test/json/json.test.ts', 'refuses a byte order mark'],
        ['packages/core/test/json/json.test.ts', 'refuses what nests too deep'],
      ],
      why: 'cases are JSON themselves: the runner cannot send such bytes',
    },
    {
      ref: 'ojs-retry §4.2; deviations X6',
      must: 'The server reads ISO 8601 durations and *_ms fields, and refuses 1s, P and PT.',
      cases: ['OJS-L1-RTR-010', 'OJS-L1-RTR-011', 'OJS-L4-UNQ-010'],
    },
    {
      ref: 'ojs-json-format §8.3',
      must: 'The server accepts batches of 1,000 jobs. The size limit counts for each envelope.',
      cases: ['OJS-L0-SET-015'],
    },
    { ref: 'ojs-workflows §7.5', must: 'The server keeps results of up to 64 KiB.', cases: ['OJS-L3-RES-001'] },
    { ref: 'ojs-retry §10.1', must: 'The server keeps at least the ten newest errors.', cases: ['OJS-L0-SET-010'] },
  ],
};
