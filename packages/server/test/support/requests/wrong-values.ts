import type { OperationName } from '@ojs-ts/core/operations';
import { maxNodes } from '@ojs-ts/core/workflow';

export type Path = readonly (string | number)[];
type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object';

/** The members of a body by their paths; `options.queue` is one within `options`. */
interface Shape {
  /** Several members with blanks between them, and the kinds that they take: every other kind is refused. */
  readonly kinds: Readonly<Record<string, string>>;
  /** Values that are not allowed, as JSON texts, which can have 1e400 and lone surrogates. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** A value of each kind of JSON; null counts as absent (ojs-json-format §14.2). */
const samples: Readonly<Record<Kind, string>> = {
  string: '"=?"',
  number: '-1.5',
  boolean: 'true',
  array: '[[]]',
  object: '{"a":1}',
};

/** The same members under other paths. Those that `rename` answers with null are left out. */
function renamed({ kinds, values }: Shape, rename: (path: string) => string | null): Shape {
  const all = <T>(members: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
    Object.fromEntries(
      Object.entries(members).flatMap(([paths, value]) =>
        paths.split(' ').flatMap((path) => {
          const name = rename(path);
          return name === null ? [] : [[name, value] as const];
        }),
      ),
    );
  return { kinds: all(kinds), values: all(values) };
}

const under = (at: string, shape: Shape) => renamed(shape, (path) => `${at}.${path}`);
const without = (shape: Shape, ...roots: readonly string[]) =>
  renamed(shape, (path) => (roots.includes(path.split('.')[0] ?? '') ? null : path));

/** The members of all; a later one replaces an earlier one of the same path. */
function joined(...shapes: readonly Partial<Shape>[]): Shape {
  return {
    kinds: Object.fromEntries(shapes.flatMap(({ kinds = {} }) => Object.entries(kinds))),
    values: Object.fromEntries(shapes.flatMap(({ values = {} }) => Object.entries(values))),
  };
}

const long = (length: number) => JSON.stringify('a'.repeat(length));
const names = ['""', '"\\ud800"', '"a\\udc00"', '"\\u0085"', '"a\\u0000b"', long(256)];
const numbers = ['1.5', '1e400', '-1e400', '9007199254740993e9'];
const counts = numbers.slice(0, 3);
const keys = [...names.slice(0, 4), long(257)];
const confirmations = ['false', '"yes"', '1'];
const ids = [
  '""',
  '"x"',
  '"00000000-0000-4000-8000-000000000000"',
  '"01A20E53-BFB0-7264-AC55-B3048B58851A"',
  '"01a20e53-bfb0-7264-ac55-b3048b58851a "',
  long(2_000),
];
const times = ['""', '"tomorrow"', '"2026-01-01T00:00:00"', '"2026-13-01T00:00:00Z"', '"2026-01-01"'];
const instants = [...times, '"+PT"', '"+1s"', '"+P99999999Y"'];

const job: Shape = {
  kinds: {
    'id type specversion schema': 'string',
    args: 'array',
    'meta options': 'object',
    'options.queue options.delay_until options.scheduled_at options.expires_at': 'string',
    'options.timeout_ms options.timeout options.visibility_timeout_ms options.total_timeout': 'number',
    'options.enqueue_ttl options.grace_period options.heartbeat_timeout': 'number',
    'options.priority': 'number string',
    'options.pending': 'boolean',
    'options.tags': 'array',
    'options.metadata options.unique options.rate_limit options.retry': 'object',
    'options.retry.max_attempts options.retry.backoff_coefficient': 'number',
    'options.retry.initial_interval options.retry.max_interval options.retry.on_exhaustion': 'string',
    'options.retry.jitter': 'boolean',
    'options.retry.non_retryable_errors': 'array',
  },
  values: {
    id: ids,
    type: ['""', '"A.b"', '"a..b"', '"a.b\\n"', '"\\ud800"', '"é"', '"__proto__"', long(256)],
    specversion: ['"2.0"', '""'],
    'options.queue': ['""', '"A"', '"a_b"', '"a\\n"', '"../a"', '"\\ud800"', '"\\u0000"', long(129)],
    'options.priority': [...numbers, '101', '-101', '"high"', '"10"'],
    'options.timeout_ms options.visibility_timeout_ms options.total_timeout': [...numbers, '-1'],
    'options.enqueue_ttl options.grace_period': [...numbers, '-1'],
    'options.delay_until options.expires_at': instants,
    'options.visibility_timeout': ['"1s"', '"PT"', '0'],
    'options.tags': ['[1]', '[null]'],
    'options.retry.max_attempts': [...numbers, '-1'],
    'options.retry.initial_interval': ['"1s"', '"PT"', '"P1"', '"PT0S"'],
    'options.retry.backoff_coefficient': ['0.5', '-1', '1e400'],
    'options.retry.on_exhaustion': ['"explode"', '"__proto__"', '""'],
  },
};
/** Templates have no members of one job alone. */
const template = without(job, 'id', 'specversion');

const editMembers = 'args meta priority tags retry delay_until scheduled_at timeout timeout_ms'.split(' ');
const edit = joined(
  renamed(job, (path) => {
    const own = path.replace(/^options\./, '');
    return editMembers.includes(own.split('.')[0] ?? '') ? own : null;
  }),
  {
    kinds: { if_match: 'object', 'if_match.state': 'string', 'if_match.attempt if_match.priority': 'number' },
    values: {
      'if_match.state': ['""', '"waiting"', '"__proto__"'],
      'if_match.attempt': [...numbers, '-1'],
      prioritty: ['1'],
      expires_at: ['"2099-01-01T00:00:00Z"'],
    },
  },
);

const worker: Shape = { kinds: { worker_id: 'string' }, values: { worker_id: names } };
const fetch: Shape = {
  kinds: { queues: 'array', 'count visibility_timeout_ms wait_ms': 'number', request_id: 'string' },
  values: {
    queues: [
      ...['[]', '[1]', '["A"]', '[""]', '["a\\u0000"]', '["\\ud800"]', '["__proto__"]', `[${long(129)}]`],
      JSON.stringify(Array.from({ length: 101 }, () => 'a')),
    ],
    count: [...counts, '0', '-1'],
    wait_ms: [...counts, '-1'],
    visibility_timeout_ms: [...numbers, '0', '86400001'],
    request_id: [...names, long(129)],
  },
};
const beat: Shape = {
  kinds: {
    active_jobs: 'array number',
    active_job_ids: 'array',
    'job_id state': 'string',
    'leases load': 'object',
    'visibility_timeout_ms load.rss_bytes load.heap_used_bytes load.event_loop_lag_ms': 'number',
  },
  values: {
    active_jobs: ['[1]', '[null]', '[{}]'],
    active_job_ids: ['[1]'],
    state: ['""', '"dead"', '"__proto__"'],
    visibility_timeout_ms: [...numbers, '0'],
    leases: ['{"a":1}', '{"a":null}'],
    'load.event_loop_lag_ms': ['-1', '1e400'],
  },
};
const workerBeat = joined(worker, beat, { values: { labels: [long(16_385)] } });
const ack: Shape = {
  kinds: { 'job_id worker_id x_lease': 'string' },
  values: { job_id: ['""', '"\\ud800"', long(256)], worker_id: names, x_lease: ['""', '"\\u0000"', long(65)] },
};
const nack = joined(ack, {
  kinds: {
    error: 'object',
    'requeue error.retryable': 'boolean',
    delay_ms: 'number',
    'error.code error.type error.message error.response_code': 'string',
    'error.backtrace': 'array string',
  },
  values: {
    delay_ms: [...numbers, '-1'],
    'error.response_code': ['"MAYBE"', '"retry"'],
    error: ['{}', '{"code":"x"}'],
  },
});
const reporter: Shape = {
  kinds: { 'worker_id x_lease': 'string', attempt: 'number' },
  values: { worker_id: names, attempt: numbers },
};
const progress = joined(reporter, {
  kinds: { 'progress percentage': 'number', message: 'string', data: 'object' },
  values: { message: [long(4_097)] },
});

const confirmed: Shape = { kinds: { confirm: 'boolean' }, values: { confirm: confirmations } };
const filter: Shape = {
  kinds: { 'filter.queue filter.type filter.job_type filter.error_type filter.args': 'string', filter: 'object' },
  values: { filter: ['{"quue":"a"}', '{"__proto__":{"queue":"a"}}', '{"toString":1}'] },
};
const bulkFilter = joined(filter, {
  kinds: {
    'filter.enqueued_after filter.enqueued_before filter.since filter.until': 'string',
    'filter.priority': 'number',
    'filter.meta': 'object',
  },
  values: {
    'filter.states': ['["dead"]', '[1]', '"__proto__"', '1'],
    'filter.since': ['"yesterday"', '"2026-13-01T00:00:00Z"', '"P1D"'],
    'filter.priority': [...numbers, '101'],
  },
});
const keyed: Shape = { kinds: { idempotency_key: 'string' }, values: { idempotency_key: keys } };
const bulk = joined(bulkFilter, keyed, { values: { job_ids: ['[]'] } });

const rate = (at: string): Shape => ({
  kinds: { [`${at}.limit`]: 'number', [`${at}.period`]: 'string' },
  values: {
    [`${at}.limit`]: [...numbers, '0', '-1', '1000001'],
    [`${at}.period`]: ['""', '"1s"', '"P"', '"PT0S"', '"P2D"', '"__proto__"', '"constructor"'],
  },
});
const concurrency: Shape = { kinds: { concurrency: 'number' }, values: { concurrency: [...numbers, '-1', '1000001'] } };
const config = joined(concurrency, rate('rate_limit'), {
  kinds: {
    'rate_limit backpressure retention': 'object',
    'max_size backpressure.max_depth backpressure.warning_threshold': 'number',
    'overflow_policy backpressure.strategy retention.completed': 'string',
  },
  values: {
    max_size: [...numbers, '-1', '1000000001'],
    'backpressure.max_depth': [...numbers, '-1'],
    'backpressure.strategy': ['""', '"explode"', '"__proto__"'],
    'backpressure.warning_threshold': ['-0.1', '1.1', '1e400'],
    'retention.completed': ['"7d"', '"P"'],
  },
});

const schema: Shape = {
  kinds: { 'schema validation': 'object', 'uri mode': 'string' },
  values: {
    schema: [
      ...['{"type":"colour"}', '{"$ref":"http://evil.test/schema"}', '{"$ref":"#/nowhere"}'],
      ...['{"pattern":"("}', '{"minItems":-1}'],
    ],
    uri: ['"x"', '"urn:a b"', '"1:x"', ...names, long(2_049)],
    mode: ['"loose"', '"__proto__"'],
  },
};

const expressions = [
  ...['""', '"* * * *"', '"60 * * * *"', '"*/0 * * * *"', '"5-1 * * * *"', '"@sometimes"', '"@every 1s x"'],
  ...['"1,,2 * * * *"', long(100_000)],
];
const zones = ['"Mars/Olympus"', '"__proto__"', '"../../etc/passwd"', '"\\u0000"', long(10_000)];
const cron = joined(template, {
  kinds: { 'cron timezone overlap_policy description': 'string', enabled: 'boolean' },
  values: {
    cron: expressions,
    timezone: ['""', ...zones],
    overlap_policy: ['""', '"explode"', '"__proto__"'],
    description: [long(4_097)],
  },
});

const step = joined(without(job, 'specversion'), { values: template.values });
const workflow: Shape = {
  kinds: { 'id type name': 'string', 'meta options callbacks callbacks.on_complete': 'object', jobs: 'array' },
  values: {
    id: ids,
    type: ['""', '"swarm"', '"__proto__"'],
    name: ['"\\ud800"', '"a\\u0000b"', long(256)],
    jobs: [
      ...['[]', '[1]', '[null]', '[[]]'],
      JSON.stringify(Array.from({ length: maxNodes }, () => ({ type: 'a', args: [] }))),
    ],
    steps: ['[{"type":"a","args":[]}]', '1'],
    callbacks: ['{}', '{"on_end":{}}', '{"__proto__":{"type":"a","args":[]}}'],
    'options.priority': [...numbers, '101'],
    'jobs.1.depends_on': ['1', '[1]', '["nobody"]', '["second"]', '["__proto__"]'],
    'jobs.1.id': ['""', '"0"', '"\\ud800"', '1', long(256)],
  },
};

export interface WrongValue {
  readonly path: Path;
  /** JSON text */
  readonly value: string;
}

const pathOf = (members: string): Path => members.split('.').map((name) => (/^\d+$/.test(name) ? Number(name) : name));

/** @param needed members that may not be missing. */
function wrong(shape: Shape, needed = ''): readonly WrongValue[] {
  const { kinds, values } = renamed(shape, (path) => path);
  return [
    ...Object.entries(kinds).flatMap(([path, right]) =>
      Object.entries(samples).flatMap(([kind, value]) =>
        right.split(' ').includes(kind) ? [] : [{ path: pathOf(path), value }],
      ),
    ),
    ...Object.entries(values).flatMap(([path, texts]) => texts.map((value) => ({ path: pathOf(path), value }))),
    ...needed.split(' ').flatMap((path) => (path === '' ? [] : [{ path: pathOf(path), value: 'null' }])),
  ];
}

const adminJobs = wrong(joined(bulk, confirmed), 'filter confirm');
const bulkJobs = wrong(bulk, 'filter');
const beats = wrong(workerBeat, 'worker_id');
const bodies: Partial<Record<OperationName, readonly WrongValue[]>> = {
  'job.enqueue': wrong(job, 'type args'),
  'job.enqueueBatch': wrong(
    joined(under('jobs.1', job), { kinds: { jobs: 'array' }, values: { jobs: ['[]'] } }),
    'jobs',
  ),
  'job.edit': wrong(edit),
  'job.reportProgress': wrong(progress),
  'worker.progress': wrong(joined(progress, { kinds: { job_id: 'string' } }), 'job_id'),
  'job.saveCheckpoint': wrong(reporter),
  'job.results': wrong({ kinds: { ids: 'array' }, values: { ids: ['[1]', '[null]', '[[]]'] } }, 'ids'),
  'bulk.enqueue': wrong(
    joined(keyed, {
      kinds: { jobs: 'array', atomicity: 'string' },
      values: { jobs: ['[]'], atomicity: ['"some"', '"__proto__"', '""'] },
    }),
    'jobs',
  ),
  'bulk.cancel': wrong(
    { kinds: { job_ids: 'array' }, values: { job_ids: ['[1]', '[null]'], filter: ['{}'] } },
    'job_ids',
  ),
  'bulk.retry': bulkJobs,
  'bulk.delete': bulkJobs,
  'bulk.start': wrong(
    joined(bulkFilter, confirmed, {
      kinds: { 'action query': 'string', rate: 'number', dry_run: 'boolean', changes: 'object' },
      values: {
        action: ['""', '"explode"', '"undo"', '"__proto__"'],
        query: ['""', '"stat:active"', '"state:active"', '"a\\u0000b"', long(2_001)],
        rate: ['0', '-1', '1e400', '100001'],
        changes: ['{"priority":1}', '{"__proto__":{"priority":1}}'],
        'filter.older_than': ['"P1D"'],
      },
    }),
    'action confirm',
  ),
  'admin.cancelJobs': adminJobs,
  'admin.retryJobs': adminJobs,
  'admin.deleteJobs': adminJobs,
  'admin.setMaintenance': wrong(
    {
      kinds: { enabled: 'boolean', 'reason estimated_duration': 'string' },
      values: {
        reason: ['""', '"\\ud800"', '"a\\u0000b"', long(1_001)],
        estimated_duration: ['"30m"', '"P"', '"__proto__"'],
      },
    },
    'enabled',
  ),
  'worker.direct': wrong(
    {
      kinds: { directive: 'string', worker_ids: 'array' },
      values: {
        directive: ['""', '"dead"', '"__proto__"', '"quiett"'],
        worker_ids: ['[1]', '[null]', '[[]]'],
        worker_id: ['"keeper"', '1'],
      },
    },
    'directive worker_ids',
  ),
  'worker.steps': wrong(
    joined(worker, {
      kinds: { items: 'array' },
      values: { items: ['[]', '[1]', '[null]', '[{}]', '[{"job_id":"x","x_lease":"y","steps":[]}]'] },
    }),
    'worker_id items',
  ),
  'worker.fetch': wrong(joined(worker, fetch), 'queues'),
  'worker.ack': wrong(ack, 'job_id'),
  'worker.nack': wrong(nack, 'job_id error'),
  'worker.heartbeat': beats,
  'worker.register': beats,
  'worker.deregister': wrong(worker, 'worker_id'),
  'signal.send': wrong(
    {
      kinds: {
        signals: 'array',
        'signals.0.job_id signals.0.name signals.0.id': 'string',
        'signals.0.encoded': 'boolean',
      },
      values: {
        'signals.0': ['1', '[]', '{}', '{"job_id":"x"}', '{"name":"a"}', '{"job_id":"x","name":"a","token":"t"}'],
        'signals.0.name': ['""', '"ojs.children"', long(256)],
        'signals.0.token': ['""', '"t"', '1', long(1_000_000)],
        'signals.0.id': ['""', long(129)],
        'signals.0.queue': ['"a"', '1', '"__proto__"'],
        'signals.0.expires_in_ms': [...numbers, '0', '1', '"P7D"'],
        'signals.0.nmae': ['"approval"'],
      },
    },
    'signals signals.0.job_id signals.0.name',
  ),
  'worker.exchange': wrong(
    joined(worker, under('fetch', fetch), under('beat', beat), {
      kinds: { 'acks nacks': 'array', 'beat fetch': 'object' },
      values: { acks: ['[1]', '[null]', '[[]]'], nacks: ['["x"]'] },
    }),
    'worker_id',
  ),
  'queue.create': wrong(
    joined(under('config', config), {
      kinds: { name: 'string', config: 'object' },
      values: { name: ['""', '"A"', '"a_b"', '"a\\u0000"', '"__proto__"', long(129)] },
    }),
    'name',
  ),
  'queue.configure': wrong(config),
  'queue.limit': wrong(joined(concurrency, rate('rate'))),
  'limit.override': wrong(
    joined(concurrency, rate('rate'), rate('throttle'), {
      kinds: { throttle: 'object', expires_at: 'string' },
      values: {
        max_per_second: ['0', '-1', '1e400', '"1"', '1000001'],
        expires_at: ['"tomorrow"', '"2020-01-01T00:00:00Z"', '"-PT1S"'],
      },
    }),
  ),
  'schema.register': wrong(
    joined(schema, {
      kinds: { type: 'string', version: 'string number' },
      values: {
        type: ['""', '"A.b"', '"a..b"', '"__proto__"', long(256)],
        version: ['"x"', '""', '-1', '1e400', '"1.0.0.0"', '"__proto__"'],
      },
    }),
    'type version schema',
  ),
  'schema.put': wrong(schema, 'schema'),
  'deadLetter.retryMany': wrong(
    joined(filter, confirmed, { values: { quue: ['"a"'], 'filter.older_than': ['"30 days"'], ids: ['[1]'] } }),
    'confirm',
  ),
  'workflow.create': wrong(
    joined(under('jobs.1', step), under('callbacks.on_complete', template), workflow),
    'jobs callbacks',
  ),
  'cron.register': wrong(
    joined(cron, {
      kinds: { name: 'string' },
      values: { name: ['""', '"A"', '"a_b"', '"a/b"', '"__proto__"', long(256)] },
    }),
    'name cron type',
  ),
  'cron.update': wrong(cron),
  'cron.preview': wrong(
    {
      kinds: { 'expression timezone': 'string', count: 'number' },
      values: { expression: expressions, timezone: zones, count: [...counts, '0', '-1'] },
    },
    'expression',
  ),
};

/** The bodies of an operation that are wrong in one place. */
export function wrongValues(name: OperationName): readonly WrongValue[] {
  const values = bodies[name];
  if (values === undefined) throw new Error(`${name} needs no body`);
  return values;
}

/** A copy of the value with another one at the path; objects on the way are made where they are missing. */
export function placed(value: unknown, path: Path, put: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return put;
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === key ? placed(item, rest, put) : item));
  const object: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
  return { ...object, [key]: placed(object[key], rest, put) };
}
