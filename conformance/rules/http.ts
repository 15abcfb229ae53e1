import type { Section } from './rule.ts';

export const http: Section = {
  title: 'HTTP binding and operations',
  rules: [
    {
      ref: 'ojs-http-binding §6.5',
      must: 'Every answer has OJS-Version, X-Request-Id and exactly the OJS media type, errors too.',
      cases: ['OJS-L0-SYS-003', 'OJS-L0-SYS-004', 'OJS-L0-SYS-009'],
    },
    {
      ref: 'ojs-http-binding §4.1',
      must: 'Both JSON types are accepted, any other is 400.',
      cases: ['OJS-L0-SYS-005'],
    },
    { ref: 'ojs-http-binding §3.2', must: 'Another OJS-Version is 422 unsupported.', cases: ['OJS-L0-SYS-006'] },
    {
      ref: 'ojs-extension-lifecycle §8.3',
      must: 'What a request requires and the manifest has not is 422 EXTENSION_NOT_SUPPORTED.',
      cases: ['OJS-L0-SYS-011'],
    },
    {
      ref: 'ojs-http-binding §6.1',
      must: 'Action endpoints take an empty body.',
      cases: ['OJS-L0-LIF-004', 'OJS-L1-QUE-001', 'OJS-L2-CRN-019'],
    },
    {
      ref: 'ojs-http-binding §9.1',
      must: '201 has a Location.',
      cases: ['OJS-L0-ENV-001', 'OJS-L2-CRN-001', 'OJS-L3-CHN-001'],
    },
    {
      ref: 'ojs-http-binding §18.1; ojs-errors ERR-006',
      must: '429 has Retry-After; limits of requests have X-RateLimit-* too.',
      cases: ['OJS-L4-BPR-001'],
      tests: [
        ['packages/server/test/http/rate-limit.test.ts', 'answers 429 rate_limited with Retry-After and X-RateLimit-*'],
      ],
    },
    {
      ref: 'ojs-errors ERR-006',
      must: '503 has Retry-After.',
      cases: [],
      tests: [['conformance/test/beyond.test.ts', '503 has Retry-After']],
      why: 'the store of a healthy server is always there',
    },
    {
      ref: 'ojs-http-binding §16.2',
      must: 'A method that the parser does not know has an answer.',
      cases: ['OJS-L0-SYS-009'],
    },
    {
      ref: 'ojs-http-binding §5.2',
      must: 'Tokens: 401 without one, 403 beyond its scope.',
      cases: [],
      tests: [['packages/server/test/http/tokens.test.ts', 'permission_denied']],
      why: 'a server in test mode may have no token; authorization is out of the core’s scope',
    },
    {
      ref: 'ojs-http-binding §16.3',
      must: 'Codes, statuses and retryable are those of the table.',
      cases: ['OJS-L0-SYS-007', 'OJS-L0-LIF-016', 'OJS-L0-LIF-017', 'OJS-L0-ENV-027', 'OJS-L4-BPR-001'],
    },
    {
      ref: 'ojs-http-binding §21; ojs-conformance §4; deviations X24',
      must: 'The manifest says what the server does: capabilities, strength of uniqueness, delivery of events, limits.',
      cases: ['OJS-L0-SYS-001'],
    },
    {
      ref: 'ojs-http-binding §8.1; deviations X33',
      must: 'Health has version, uptime and store.',
      cases: ['OJS-L0-SYS-002', 'OJS-L0-SYS-008'],
    },
    {
      ref: 'ojs-http-binding §10.2',
      must: 'ACK answers id, job_id, acknowledged, state and completed_at.',
      cases: ['OJS-L0-SET-001'],
    },
    {
      ref: 'ojs-http-binding §10.3',
      must: 'NACK answers attempts, next time and delay, or the end.',
      cases: ['OJS-L0-SET-005', 'OJS-L0-SET-006', 'OJS-L0-SET-007'],
    },
    {
      ref: 'ojs-http-binding §9.2; deviations X37',
      must: 'A batch is atomic and names the bad one by its index.',
      cases: ['OJS-L0-SET-013', 'OJS-L0-SET-014', 'OJS-L0-SET-016'],
    },
    {
      ref: 'ojs-http-binding §11; deviations X20',
      must: 'Statistics in all three shapes; pause and resume; the list with both status fields.',
      cases: ['OJS-L1-QUE-001', 'OJS-L1-QUE-002', 'OJS-L1-QUE-003', 'OJS-L4-STA-001', 'OJS-L4-PAU-001'],
    },
    {
      ref: 'ojs-http-binding §12',
      must: 'The dead letter: list, look-up, retry, delete.',
      cases: [
        'OJS-L1-DLQ-001',
        'OJS-L1-DLQ-003',
        'OJS-L1-DLQ-004',
        'OJS-L1-DLQ-005',
        'OJS-L1-DLQ-006',
        'OJS-L1-DLQ-007',
      ],
    },
    {
      ref: 'ojs-http-binding §15',
      must: 'Schemas: register, read by URI, list, delete.',
      cases: ['OJS-L4-SCH-001', 'OJS-L4-SCH-002', 'OJS-L4-SCH-003'],
    },
    {
      ref: 'official EXT-VER-005',
      must: 'The other spellings of paths.',
      cases: ['OJS-L0-LIF-018', 'OJS-L0-SYS-008', 'OJS-L2-CRN-027'],
    },
    {
      ref: 'ojs-http-binding §17; deviations X26',
      must: 'Pages never have more than limit and have a cursor where there is more; cursor, offset, page.',
      cases: ['OJS-L1-DLQ-002', 'OJS-L2-CRN-005', 'OJS-L3-LST-001'],
    },
    {
      ref: 'ojs-core §7.2',
      must: 'FETCH does not block without wait_ms; an unknown or empty queue answers [].',
      cases: ['OJS-L0-FET-001', 'OJS-L0-FET-009', 'OJS-L0-FET-010'],
    },
    {
      ref: 'ojs-http-binding §10.1',
      must: 'FETCH names its queues; count is clamped.',
      cases: ['OJS-L0-FET-005', 'OJS-L0-FET-006'],
    },
    {
      ref: 'x-idempotency-key; x-lease; x-repeatable-fetch',
      must: 'A call repeated with its key, lease or request id has the first answer.',
      cases: [
        'OJS-L0-FET-008',
        'OJS-L1-OWN-003',
        'OJS-L1-OWN-004',
        'OJS-L1-IDE-001',
        'OJS-L1-IDE-002',
        'OJS-L1-IDE-003',
        'OJS-L1-IDE-004',
        'OJS-L1-IDE-005',
        'OJS-L1-IDE-006',
        'OJS-L3-IDE-001',
        'OJS-L4-BLK-003',
      ],
    },
    {
      ref: 'x-exchange',
      must: 'A worker’s turn in one exchange.',
      cases: ['OJS-L1-EXC-001', 'OJS-L1-EXC-002', 'OJS-L1-EXC-003', 'OJS-L1-EXC-004'],
    },
    {
      ref: 'ojs-errors §9.1',
      must: 'Clients have typed errors, retry by category, honour Retry-After.',
      cases: [],
      tests: [
        ['packages/sdk/test/errors.test.ts', 'rate limits: headers and Retry-After in seconds or as an HTTP date'],
        ['packages/sdk/test/retries.test.ts', 'Retry-After is kept, and a longer one than the deadline fails at once'],
      ],
      why: 'a rule for clients',
    },
  ],
};
