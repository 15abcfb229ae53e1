import type { Section } from './rule.ts';

export const http: Section = {
  title: '§3 and §4 HTTP binding and operations',
  rules: [
    {
      ref: '§3',
      must: 'Every answer has OJS-Version, X-Request-Id and exactly the OJS media type, errors too.',
      cases: ['OJS-L0-SYS-003', 'OJS-L0-SYS-004', 'OJS-L0-SYS-009'],
    },
    { ref: '§3', must: 'Both JSON types are accepted, any other is 400.', cases: ['OJS-L0-SYS-005'] },
    { ref: '§3', must: 'Another OJS-Version is 422 unsupported.', cases: ['OJS-L0-SYS-006'] },
    {
      ref: 'ojs-extension-lifecycle 8.3',
      must: 'What a request requires and the manifest has not is 422 EXTENSION_NOT_SUPPORTED.',
      cases: ['OJS-L0-SYS-011'],
    },
    {
      ref: '§3',
      must: 'Action endpoints take an empty body.',
      cases: ['OJS-L0-LIF-004', 'OJS-L1-QUE-001', 'OJS-L2-CRN-019'],
    },
    { ref: '§3', must: '201 has a Location.', cases: ['OJS-L0-ENV-001', 'OJS-L2-CRN-001', 'OJS-L3-CHN-001'] },
    {
      ref: '§3 ERR-006',
      must: '429 has Retry-After; limits of requests have X-RateLimit-* too.',
      cases: ['OJS-L4-BPR-001'],
      tests: [
        ['packages/server/test/http/rate-limit.test.ts', 'answers 429 rate_limited with Retry-After and X-RateLimit-*'],
      ],
    },
    {
      ref: '§3 ERR-006',
      must: '503 has Retry-After.',
      cases: [],
      tests: [['conformance/test/beyond.test.ts', '503 has Retry-After']],
      why: 'the store of a healthy server is always there',
    },
    { ref: '§3', must: 'A method that the parser does not know has an answer.', cases: ['OJS-L0-SYS-009'] },
    {
      ref: '§3',
      must: 'Tokens: 401 without one, 403 beyond its scope.',
      cases: [],
      tests: [['packages/server/test/http/tokens.test.ts', 'permission_denied']],
      why: 'a server in test mode may have no token; authorization is out of the core’s scope',
    },
    {
      ref: '§3.1',
      must: 'Codes, statuses and retryable are those of the table.',
      cases: ['OJS-L0-SYS-007', 'OJS-L0-LIF-016', 'OJS-L0-LIF-017', 'OJS-L0-ENV-027', 'OJS-L4-BPR-001'],
    },
    {
      ref: '§3.2 §15 X24',
      must: 'The manifest says what the server does: capabilities, strength of uniqueness, delivery of events, limits.',
      cases: ['OJS-L0-SYS-001'],
    },
    { ref: '§3.2 X33', must: 'Health has version, uptime and store.', cases: ['OJS-L0-SYS-002', 'OJS-L0-SYS-008'] },
    { ref: '§3.2', must: 'ACK answers id, job_id, acknowledged, state and completed_at.', cases: ['OJS-L0-SET-001'] },
    {
      ref: '§3.2',
      must: 'NACK answers attempts, next time and delay, or the end.',
      cases: ['OJS-L0-SET-005', 'OJS-L0-SET-006', 'OJS-L0-SET-007'],
    },
    {
      ref: '§3.2 X37',
      must: 'A batch is atomic and names the bad one by its index.',
      cases: ['OJS-L0-SET-013', 'OJS-L0-SET-014', 'OJS-L0-SET-016'],
    },
    {
      ref: '§3.2 X20',
      must: 'Statistics in all three shapes; pause and resume; the list with both status fields.',
      cases: ['OJS-L1-QUE-001', 'OJS-L1-QUE-002', 'OJS-L1-QUE-003', 'OJS-L4-STA-001', 'OJS-L4-PAU-001'],
    },
    {
      ref: '§3.2',
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
      ref: '§3.2',
      must: 'Schemas: register, read by URI, list, delete.',
      cases: ['OJS-L4-SCH-001', 'OJS-L4-SCH-002', 'OJS-L4-SCH-003'],
    },
    {
      ref: '§3.2',
      must: 'The other spellings of paths.',
      cases: ['OJS-L0-LIF-018', 'OJS-L0-SYS-008', 'OJS-L2-CRN-027'],
    },
    {
      ref: '§3.3 X26',
      must: 'Pages never have more than limit and have a cursor where there is more; cursor, offset, page.',
      cases: ['OJS-L1-DLQ-002', 'OJS-L2-CRN-005', 'OJS-L3-LST-001'],
    },
    {
      ref: '§4',
      must: 'FETCH does not block without wait_ms; an unknown or empty queue answers [].',
      cases: ['OJS-L0-FET-001', 'OJS-L0-FET-009', 'OJS-L0-FET-010'],
    },
    { ref: '§4', must: 'FETCH names its queues; count is clamped.', cases: ['OJS-L0-FET-005', 'OJS-L0-FET-006'] },
    {
      ref: '§4 design §2 §6',
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
      ref: 'design §6',
      must: 'A worker’s turn in one exchange.',
      cases: ['OJS-L1-EXC-001', 'OJS-L1-EXC-002', 'OJS-L1-EXC-003', 'OJS-L1-EXC-004'],
    },
    {
      ref: '§3.1 [C]',
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
