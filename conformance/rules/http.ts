import type { Section } from './rule.ts';

export const http: Section = {
  title: 'HTTP binding and operations',
  rules: [
    {
      ref: 'ojs-http-binding §6.5',
      must: 'Every answer, errors included, has OJS-Version, X-Request-Id and exactly the OJS media type.',
      cases: ['OJS-L0-SYS-003', 'OJS-L0-SYS-004', 'OJS-L0-SYS-009'],
    },
    {
      ref: 'ojs-http-binding §4.1',
      must: 'The server accepts both JSON media types. Any other is 400.',
      cases: ['OJS-L0-SYS-005'],
    },
    { ref: 'ojs-http-binding §3.2', must: 'Another OJS-Version is 422 unsupported.', cases: ['OJS-L0-SYS-006'] },
    {
      ref: 'ojs-extension-lifecycle §8.3',
      must: 'A request that requires an extension outside the manifest is 422 EXTENSION_NOT_SUPPORTED.',
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
      must: '429 has Retry-After. Request limits also send X-RateLimit-*.',
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
      must: 'The server answers a method that its HTTP parser does not know.',
      cases: ['OJS-L0-SYS-009'],
    },
    {
      ref: 'ojs-http-binding §5.2',
      must: 'A request without a token is 401, one beyond the scope of its token is 403.',
      cases: [],
      tests: [['packages/server/test/http/tokens.test.ts', 'permission_denied']],
      why: 'a server in test mode may have no token; authorization is out of the core’s scope',
    },
    {
      ref: 'ojs-http-binding §16.3',
      must: 'Error codes, statuses and retryable are those of the table.',
      cases: ['OJS-L0-SYS-007', 'OJS-L0-LIF-016', 'OJS-L0-LIF-017', 'OJS-L0-ENV-027', 'OJS-L4-BPR-001'],
    },
    {
      ref: 'ojs-http-binding §21; ojs-conformance §4; deviations X24',
      must: 'The manifest declares capabilities, the strength of uniqueness, the delivery of events, and limits.',
      cases: ['OJS-L0-SYS-001'],
    },
    {
      ref: 'ojs-http-binding §8.1; deviations X33',
      must: 'Health answers version, uptime and the state of the store.',
      cases: ['OJS-L0-SYS-002', 'OJS-L0-SYS-008'],
    },
    {
      ref: 'ojs-http-binding §10.2',
      must: 'ACK answers id, job_id, acknowledged, state and completed_at.',
      cases: ['OJS-L0-SET-001'],
    },
    {
      ref: 'ojs-http-binding §10.3',
      must: 'NACK answers the attempts with the next time and the delay, or the end of the job.',
      cases: ['OJS-L0-SET-005', 'OJS-L0-SET-006', 'OJS-L0-SET-007'],
    },
    {
      ref: 'ojs-http-binding §9.2; deviations X37',
      must: 'A batch is atomic. The error names the index of the bad job.',
      cases: ['OJS-L0-SET-013', 'OJS-L0-SET-014', 'OJS-L0-SET-016'],
    },
    {
      ref: 'ojs-http-binding §11; deviations X20',
      must: 'Queue statistics have all three shapes. Pause and resume work; the list has both status fields.',
      cases: ['OJS-L1-QUE-001', 'OJS-L1-QUE-002', 'OJS-L1-QUE-003', 'OJS-L4-STA-001', 'OJS-L4-PAU-001'],
    },
    {
      ref: 'ojs-http-binding §12',
      must: 'The dead letter can be listed; a job in it can be read, retried and deleted.',
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
      must: 'Schemas can be registered, read by URI, listed and deleted.',
      cases: ['OJS-L4-SCH-001', 'OJS-L4-SCH-002', 'OJS-L4-SCH-003'],
    },
    {
      ref: 'official EXT-VER-005',
      must: 'The server answers the other spellings of its paths.',
      cases: ['OJS-L0-LIF-018', 'OJS-L0-SYS-008', 'OJS-L2-CRN-027'],
    },
    {
      ref: 'ojs-http-binding §17; deviations X26',
      must: 'A page never has more than limit entries, and has a cursor if there are more. The server reads cursor, offset and page.',
      cases: ['OJS-L1-DLQ-002', 'OJS-L2-CRN-005', 'OJS-L3-LST-001'],
    },
    {
      ref: 'ojs-core §7.2',
      must: 'FETCH without wait_ms does not block. An unknown or empty queue answers [].',
      cases: ['OJS-L0-FET-001', 'OJS-L0-FET-009', 'OJS-L0-FET-010'],
    },
    {
      ref: 'ojs-http-binding §10.1',
      must: 'FETCH must name its queues. The server clamps count.',
      cases: ['OJS-L0-FET-005', 'OJS-L0-FET-006'],
    },
    {
      ref: 'x-idempotency-key; x-lease; x-repeatable-fetch',
      must: 'A call repeated with its key, lease or request id gets the first answer.',
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
      must: 'One exchange carries acks, nacks, a heartbeat and a fetch.',
      cases: ['OJS-L1-EXC-001', 'OJS-L1-EXC-002', 'OJS-L1-EXC-003', 'OJS-L1-EXC-004'],
    },
    {
      ref: 'ojs-errors §9.1',
      must: 'Clients have typed errors, retry by category and honour Retry-After.',
      cases: [],
      tests: [
        [
          'packages/sdk/test/connection/api-error.test.ts',
          'rate limits: headers and Retry-After in seconds or as an HTTP date',
        ],
        [
          'packages/sdk/test/connection/retries.test.ts',
          'a retry waits for Retry-After; one beyond the deadline fails at once',
        ],
      ],
      why: 'a rule for clients',
    },
  ],
};
