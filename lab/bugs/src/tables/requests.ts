import * as attributes from '../../../../packages/core/src/envelope/attributes.ts';
import { Change } from '../../../../packages/core/src/memory/change.ts';
import { Binding } from '../../../../packages/server/src/binding/binding.ts';
import * as queues from '../../../../packages/server/src/binding/queues/queues.ts';
import * as system from '../../../../packages/server/src/binding/system.ts';
import { BulkReplies } from '../../../../packages/server/src/engine/jobs/bulk-replies.ts';
import { QueueSettings } from '../../../../packages/server/src/engine/queues/queue-settings.ts';
import { Schemas } from '../../../../packages/server/src/engine/schemas/schemas.ts';
import * as quirks from '../../../../packages/server/src/http/quirks.ts';
import type { CaseBugs } from '../bugs.ts';
import { answers, answerTexts, enqueued, sent, without } from '../changes.ts';
import * as core from '../core.ts';
import { on, type Plant, set, stored } from '../plant.ts';

const { State } = core;

/** Changes what an enqueue request says of type, queue, args, meta and the like. */
function identity(
  change: (read: attributes.Identity, request: attributes.Request) => Partial<attributes.Identity>,
): Plant {
  return on(attributes, 'readIdentity', (next, request) => {
    const read = next(request);
    return { ...read, ...change(read, request) };
  });
}

/** Changes what an enqueue request says of its times. */
function timing(change: (read: attributes.Timing) => Partial<attributes.Timing>): Plant {
  return on(attributes, 'readTiming', (next, ...args) => {
    const read = next(...args);
    return { ...read, ...change(read) };
  });
}

/** The envelope of a job, the frame of requests and answers. */
export const requests: CaseBugs = {
  'flat-queue-ignored': [
    'OJS-L0-ENV-008 OJS-L0-ENV-012 OJS-L0-SET-013',
    on(attributes.Request.prototype, 'either', function (next, name, other) {
      return name === 'queue' ? (this.options?.find(name) ?? null) : next(name, other);
    }),
  ],
  'top-level-wins': [
    'OJS-L0-ENV-003',
    on(attributes.Request.prototype, 'either', function (_, name, other) {
      return this.top.find(name, other) ?? this.options?.find(name, other) ?? null;
    }),
  ],
  'unknown-fields-dropped': ['OJS-L0-ENV-004 OJS-L0-ENV-005', on(attributes.Request.prototype, 'unknown', () => '')],
  'args-re-encoded': ['OJS-L0-ENV-005', identity(({ args }) => ({ args: JSON.stringify(JSON.parse(args)) }))],
  'meta-first-only': [
    'OJS-L0-ENV-006',
    identity((_, { top, options }) => ({
      meta: (top.find('meta') ?? options?.find('meta', 'metadata'))?.text ?? '{}',
    })),
  ],
  'system-fields-stored': [
    'OJS-L0-ENV-007',
    on(attributes.Request.prototype, 'unknown', function (next) {
      const managed = ['error', 'errors', 'result'].filter((name) => this.top.texts.has(name));
      return next() + managed.map((name) => `,"${name}":${this.top.texts.get(name)}`).join('');
    }),
  ],
  'client-id-ignored': ['OJS-L0-ENV-002 OJS-L0-ENV-009 OJS-L0-SET-014', identity(() => ({ id: null }))],
  'type-upper-case': [
    'OJS-L0-ENV-011 OJS-L0-ENV-026 OJS-L0-SET-014',
    on(core.rules.type, 'is', (_, value) => typeof value === 'string' && /^[a-z][\w-]*(?:\.[\w-]+)*$/i.test(value)),
  ],
  'priority-names-of-three': [
    'OJS-L0-ENV-014',
    identity(({ priority }, request) =>
      typeof request.either('priority')?.value === 'string' ? { priority: 2 + Math.sign(priority) } : {},
    ),
  ],
  'any-specversion': ['OJS-L0-ENV-020', on(core.rules.specversion, 'is', (_, value) => typeof value === 'string')],
  'tags-dropped': ['OJS-L0-ENV-002 OJS-L0-ENV-003 OJS-L0-ENV-025', identity(() => ({ tags: null }))],
  'small-envelopes': ['OJS-L0-ENV-024', set(core, 'maxEnvelopeBytes', 262_144)],
  'first-duplicate-key-counts': [
    'OJS-L0-ENV-023',
    on(core, 'members', (next, text) => {
      const all = [...text.matchAll(/"(\w+)"\s*:\s*("[^"]*"|\d+|\[[^\]]*\])/g)].map(
        ([, key = '', value = '']) => [key, value] as const,
      );
      return new Map([...next(text)].map(([key, value]) => [key, all.find(([name]) => name === key)?.[1] ?? value]));
    }),
  ],
  'short-default-timeout': [
    'OJS-L0-ENV-001 OJS-L0-ENV-016',
    timing(({ timeoutMs }) => ({ timeoutMs: timeoutMs === core.defaultTimeoutMs ? 30_000 : timeoutMs })),
  ],
  'zone-ignored': [
    'OJS-L0-LIF-012 OJS-L0-LIF-014 OJS-L2-DLY-002',
    on(core, 'parseTimestamp', (next, text) => next(text.replace(/[+-]\d\d:\d\d$/, 'Z'))),
  ],
  'expires-as-utc': [
    'OJS-L0-ENV-002 OJS-L0-ENV-015 OJS-L0-LIF-012',
    timing(({ expires, expiresAt }) => ({
      expires: Object.create(expires, { text: { value: JSON.stringify(new Date(expiresAt ?? 0)) } }),
    })),
  ],
  'visibility-without-iso': ['OJS-L0-ENV-017', on(core, 'parseDuration', () => null)],
  'delay-until-unknown': [
    'OJS-L0-ENV-018 OJS-L0-SET-013',
    on(core.Part.prototype, 'find', (next, name, other) => next(name === 'delay_until' ? 'scheduled_at' : name, other)),
  ],
  'no-relative-times': ['OJS-L0-ENV-019', on(core, 'readTime', (_, text) => core.parseTimestamp(text))],
  'pending-truthy': ['OJS-L0-ENV-021', on(core.rules.flag, 'is', (_, value) => value !== null)],
  'schedule-in-the-past': [
    'OJS-L0-LIF-003 OJS-L0-LIF-014',
    enqueued((job) =>
      job.state === State.available && job.envelope.includes('"scheduled_at"')
        ? { ...job, state: State.scheduled }
        : job,
    ),
  ],
  'enqueue-ttl-ignored': [
    'OJS-L1-TMO-005 OJS-L1-TMO-007',
    enqueued((job) => ({ ...job, expiresAt: job.laterExpiresAt })),
  ],
  'default-grace': [
    'OJS-L1-TMO-001 OJS-L1-TMO-002 OJS-L1-TMO-003',
    enqueued((job) => (job.policy?.includes('gracePeriodMs') ? job : { ...job, timeoutMs: job.timeoutMs + 30_000 })),
  ],
  'worker-body-not-checked': [
    'OJS-L0-ENV-022',
    on(core.Fields, 'parse', (next, text) => next(text?.trim().endsWith('}') ? text : '{}')),
  ],
  'trace-forgotten': ['OJS-L0-EVT-007', enqueued((job) => ({ ...job, trace: null }))],
  'no-retry-policy': [
    'OJS-L0-ENV-028',
    on(core.Part.prototype, 'find', (next, name, other) => next(name, other === 'retry_policy' ? undefined : other)),
  ],
  'expired-on-arrival-refused': [
    'OJS-L2-TTL-001',
    enqueued((job) => {
      if (job.expiresAt !== null && job.expiresAt <= job.createdAt)
        throw core.ProtocolError.invalid([{ path: '$.expires_at', message: 'is over' }]);
      return job;
    }),
  ],
  'active-expires': ['OJS-L2-TTL-004', enqueued((job) => ({ ...job, deadlineAt: job.deadlineAt ?? job.expiresAt }))],
  'batch-of-a-hundred': ['OJS-L0-SET-015', set(core, 'maxBatchJobs', 100)],
  'empty-batch': [
    'OJS-L0-SET-016',
    on(core, 'readEnvelopes', (next, text, ...rest) => (/"jobs"\s*:\s*\[\s*\]/.test(text) ? [] : next(text, ...rest))),
  ],
  // The frame of requests and answers
  'manifest-overclaims': ['OJS-L0-SYS-001', answerTexts(/manifest/, (text) => text.replace('"runtime"', '"full"'))],
  'health-ok-not-connected': [
    'OJS-L0-SYS-002 OJS-L0-SYS-004 OJS-L0-SYS-006',
    answers(/health/, (reply) => ({ ...reply, status: 503, text: reply.text.replace('"connected"', '"ok"') })),
  ],
  'no-version-header': [
    'OJS-L0-SYS-003 OJS-L0-SYS-005 OJS-L0-SYS-006',
    sent((_, reply, text) => {
      reply.removeHeader('ojs-version');
      return text;
    }),
  ],
  'unknown-path-is-html': ['OJS-L0-SYS-009', sent(({ is404 }, _, text) => (is404 ? 'Not found' : text))],
  'no-canonical-code': [
    'OJS-L0-SYS-007',
    on(core, 'renderError', (next, ...args) => next(...args).replace('"canonical_code"', '"x"')),
  ],
  'no-hint': [
    'OJS-L0-ENV-010 OJS-L0-ENV-013 OJS-L0-LIF-016',
    on(core, 'renderError', (next, ...args) => next(...args).replace('"hint"', '"x"')),
  ],
  'no-location': ['OJS-L0-ENV-001', on(core, 'enqueuedReply', (next, ...args) => ({ ...next(...args), headers: {} }))],
  'field-path-lost': [
    'OJS-L0-FET-006 OJS-L1-EXC-004 OJS-L1-HBT-009',
    on(core.ProtocolError, 'invalid', (next, issues, ...rest) =>
      next(
        issues.map((issue) => ({ ...issue, path: issue.path.split('.').at(-1) ?? '' })),
        ...rest,
      ),
    ),
  ],
  'no-quirk': ['OJS-L0-SYS-010', on(quirks, 'mediaTypeFor', (next, _, on) => next(undefined, on))],
  'no-ack-by-path': ['OJS-L0-LIF-018', set(core.operations['worker.ack'], 'also', [])],
  'no-ready': ['OJS-L0-SYS-008', set(core.operations['system.health'], 'also', [])],
  'any-extension-is-missing': [
    'OJS-L0-SYS-011',
    on(system, 'requireExtensions', (next, engine) => next(engine, 'urn:x')),
  ],
  'idempotency-key-ignored': [
    'OJS-L1-IDE-001 OJS-L1-IDE-002 OJS-L1-IDE-003 OJS-L1-IDE-006',
    on(Binding.prototype, 'call', (next, operation, request) => next(operation, { ...request, key: null })),
  ],
  'unknown-get-is-400': [
    'OJS-L0-LIF-016 OJS-L0-LIF-017 OJS-L0-SYS-007',
    on(core, 'missingJob', (_, id) => new core.ProtocolError('invalid_request', `There is no job ${id}.`)),
  ],
  'partial-success-is-201': [
    'OJS-L4-BLK-001 OJS-L4-BLK-002 OJS-L4-BLK-004',
    on(core, 'bulkStatus', (_next, _succeeded, _failed, success) => success),
  ],
  'bulk-key-of-any-request': [
    'OJS-L4-BLK-003',
    on(BulkReplies.prototype, 'begin', (next, operation, key, _, sent) => next(operation, key, 'any', sent)),
  ],
  'no-retry-after': [
    'OJS-L4-BPR-001',
    answers(/./, (reply) => (reply.status === 429 ? without(reply, 'headers') : reply)),
  ],
  'pressure-omitted': ['OJS-L4-BPR-002', on(queues, 'pressureHeaders', () => ({}))],
  'schemas-not-checked': ['OJS-L4-SCH-001 OJS-L4-SCH-003', on(Schemas.prototype, 'check', async () => [])],
  'deleted-schema-stays': ['OJS-L4-SCH-002', on(Schemas.prototype, 'remove', async () => true)],
  'configuration-replaced': [
    'OJS-L4-STA-002',
    on(QueueSettings.prototype, 'configure', async (next, name, change) => {
      const nothing = Object.fromEntries(
        Object.keys(JSON.parse((await next(name, {})).config)).map((key) => [key, null]),
      );
      return next(name, { ...nothing, ...change });
    }),
  ],
  // Queues, the dead letter, pages
  'list-without-status': ['OJS-L1-QUE-002', answerTexts(/queue.list/, (text) => text.replaceAll('"paused"', '"x"'))],
  'stats-without-mirror': [
    'OJS-L1-QUE-003',
    answerTexts(/queue.stats/, (text) => text.replace(/(,"name":"[^"]*"),.*,("paused")/, '$1,$2')),
  ],
  'any-queue-name': ['OJS-L1-QUE-004', on(core, 'isQueueName', (_, name) => name !== '')],
  'dead-letter-of-every-queue': [
    'OJS-L1-DLQ-001 OJS-L1-DLQ-005 OJS-L1-RTR-013',
    on(core, 'readSubject', (next, ...args) => without(next(...args), 'queue')),
  ],
  'page-cursor-ignored': [
    'OJS-L1-DLQ-002',
    on(core, 'readPage', (next, ...args) => ({ ...next(...args), cursor: null })),
  ],
  'zero-limit': [
    'OJS-L0-EVT-006',
    on(core, 'readPage', (next, query, ...rest) =>
      query.limit === '0' ? { ...next({ ...query, limit: '1' }, ...rest), limit: 0 } : next(query, ...rest),
    ),
  ],
  'retry-stays-in-dead-letter': [
    'OJS-L1-DLQ-003 OJS-L1-DLQ-004 OJS-L1-IDE-005',
    on(Binding.prototype, 'call', async (next, operation, request) => {
      if (operation !== 'deadLetter.retry') return next(operation, request);
      const reply = await next('deadLetter.get', { ...request, body: undefined });
      const text = reply.text.replaceAll('"state":"discarded"', '"state":"available"');
      return { ...reply, text: text.replaceAll(/"attempt":\d+/g, '"attempt":0') };
    }),
  ],
  'dead-letter-shows-any-job': [
    'OJS-L1-DLQ-006',
    stored('jobs', 'get', async (next, ids) => (await next(ids)).map((job) => job && { ...job, deadLetter: true })),
  ],
  'purge-without-confirmation': ['OJS-L1-DLQ-007', on(core, 'requireConfirm', () => {})],
  'override-of-queue-ignored': [
    'OJS-L1-DLQ-010',
    on(core, 'readOverride', (next, body) => without(next(body), 'queue')),
  ],
  'override-ignored': ['OJS-L1-DLQ-008', on(core, 'readOverride', (next) => next(undefined))],
  'retry-checks-uniqueness': [
    'OJS-L1-DLQ-009 OJS-L1-DLQ-003',
    on(core.Lifecycle.prototype, 'retry', (next, id, key, override) => {
      if (override?.args === undefined) throw new core.ProtocolError('duplicate', 'Another job holds the key.');
      return next(id, key, override);
    }),
  ],
  'waits-not-measured': [
    'OJS-L4-STA-001',
    on(core, 'sumsOf', (next, ...args) => ({ ...next(...args), waitMs: 0, waitAgainMs: 0 })),
  ],
  // Events
  'no-heartbeat-event': [
    'OJS-L1-HBT-010',
    on(Change.prototype, 'logAll', (next, entries) =>
      next(entries.filter((entry) => !entry.includes('"job.heartbeat"'))),
    ),
  ],
  'no-enqueued-event': [
    'OJS-L0-EVT-002 OJS-L0-EVT-003 OJS-L0-EVT-004 OJS-L0-EVT-007',
    on(core, 'creationEvent', (next, state) => (state === State.available ? null : next(state))),
  ],
  'no-failed-event': [
    'OJS-L0-EVT-001 OJS-L0-EVT-005',
    on(core, 'eventsOf', (next, ...args) => next(...args).filter(({ kind }) => kind !== 'job.failed')),
  ],
  'filters-by-or': [
    'OJS-L0-EVT-003 OJS-L0-EVT-004 OJS-L1-IDE-004',
    on(core, 'matcher', (next, query) => {
      const ofKind = next({ ...query, queues: [], jobTypes: [] });
      const inQueue = next({ ...query, types: [], jobTypes: [] });
      return (entry) => ofKind(entry) || inQueue(entry);
    }),
  ],
  'types-of-steps-not-filtered': ['OJS-L3-EVT-004', on(core, 'jobTypeOf', (_, entry) => entry[2])],
  'every-entry-is-an-enqueue': [
    'OJS-L0-EVT-009',
    on(core, 'eventsOf', (next, ...args) =>
      next(...args).map((event) => (event.kind === 'job.state_changed' ? { ...event, kind: 'job.enqueued' } : event)),
    ),
  ],
  'schedule-omitted': [
    'OJS-L2-DLY-003',
    on(core, 'renderEvent', (next, ...args) => {
      const event = next(...args);
      return { ...event, data: without(event.data, 'scheduled_at') };
    }),
  ],
  'priority-omitted': [
    'OJS-L0-EVT-008',
    on(core, 'renderEvent', (next, ...args) => {
      const event = next(...args);
      return { ...event, data: without(event.data, 'priority') };
    }),
  ],
};
