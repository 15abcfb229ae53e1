import { maxNodes, type OperationName } from '@ojs-ts/core';

export type Path = readonly (string | number)[];
type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object';

type Kinds = readonly (readonly [Path, ...Kind[]])[];
/** Of the right kind, but out of what is allowed; as JSON text, so that 1e400 and lone surrogates can be said. */
type Values = readonly (readonly [Path, readonly string[]])[];

/** A value of each kind of JSON; null counts as absent (ojs-json-format §14.2). */
const samples: Readonly<Record<Kind, string>> = {
  string: '"=?"',
  number: '-1.5',
  boolean: 'true',
  array: '[[]]',
  object: '{"a":1}',
};

/** The kinds that each field takes; every other one is refused. */
const jobKinds: Kinds = [
  [['id'], 'string'],
  [['type'], 'string'],
  [['args'], 'array'],
  [['meta'], 'object'],
  [['options'], 'object'],
  [['specversion'], 'string'],
  [['schema'], 'string'],
  ...(['queue', 'delay_until', 'scheduled_at', 'expires_at'] as const).map(
    (name) => [['options', name], 'string'] as const,
  ),
  ...(
    [
      'timeout_ms',
      'timeout',
      'visibility_timeout_ms',
      'total_timeout',
      'enqueue_ttl',
      'grace_period',
      'heartbeat_timeout',
    ] as const
  ).map((name) => [['options', name], 'number'] as const),
  [['options', 'priority'], 'number', 'string'],
  [['options', 'pending'], 'boolean'],
  [['options', 'tags'], 'array'],
  [['options', 'metadata'], 'object'],
  [['options', 'unique'], 'object'],
  [['options', 'rate_limit'], 'object'],
  [['options', 'retry'], 'object'],
  [['options', 'retry', 'max_attempts'], 'number'],
  [['options', 'retry', 'initial_interval'], 'string'],
  [['options', 'retry', 'max_interval'], 'string'],
  [['options', 'retry', 'backoff_coefficient'], 'number'],
  [['options', 'retry', 'jitter'], 'boolean'],
  [['options', 'retry', 'non_retryable_errors'], 'array'],
  [['options', 'retry', 'on_exhaustion'], 'string'],
];
const fetchKinds: Kinds = [
  [['queues'], 'array'],
  [['count'], 'number'],
  [['visibility_timeout_ms'], 'number'],
  [['request_id'], 'string'],
  [['wait_ms'], 'number'],
];
const beatKinds: Kinds = [
  [['active_jobs'], 'array', 'number'],
  [['active_job_ids'], 'array'],
  [['job_id'], 'string'],
  [['state'], 'string'],
  [['leases'], 'object'],
  [['visibility_timeout_ms'], 'number'],
  [['load'], 'object'],
  [['load', 'rss_bytes'], 'number'],
  [['load', 'heap_used_bytes'], 'number'],
  [['load', 'event_loop_lag_ms'], 'number'],
];
const ackKinds: Kinds = [
  [['job_id'], 'string'],
  [['worker_id'], 'string'],
  [['x_lease'], 'string'],
];
const nackKinds: Kinds = [
  ...ackKinds,
  [['error'], 'object'],
  [['requeue'], 'boolean'],
  [['delay_ms'], 'number'],
  ...(['code', 'type', 'message', 'response_code'] as const).map((name) => [['error', name], 'string'] as const),
  [['error', 'retryable'], 'boolean'],
  [['error', 'backtrace'], 'array', 'string'],
];

const long = (length: number) => JSON.stringify('a'.repeat(length));
const names = ['""', '"\\ud800"', '"a\\udc00"', '"\\u0085"', '"a\\u0000b"', long(256)];
const numbers = ['1.5', '1e400', '-1e400', '9007199254740993e9'];
const ids = [
  '""',
  '"x"',
  '"00000000-0000-4000-8000-000000000000"',
  '"01A20E53-BFB0-7264-AC55-B3048B58851A"',
  '"01a20e53-bfb0-7264-ac55-b3048b58851a "',
  long(2_000),
];
const jobValues: Values = [
  [['id'], ids],
  [['type'], ['""', '"A.b"', '"a..b"', '"a.b\\n"', '"\\ud800"', '"é"', '"__proto__"', long(256)]],
  [['specversion'], ['"2.0"', '""']],
  [
    ['options', 'queue'],
    ['""', '"A"', '"a_b"', '"a\\n"', '"../a"', '"\\ud800"', '"\\u0000"', long(129)],
  ],
  [
    ['options', 'priority'],
    [...numbers, '101', '-101', '"high"', '"10"'],
  ],
  ...(['timeout_ms', 'visibility_timeout_ms', 'total_timeout', 'enqueue_ttl', 'grace_period'] as const).map(
    (name) =>
      [
        ['options', name],
        [...numbers, '-1'],
      ] as const,
  ),
  ...(['delay_until', 'expires_at'] as const).map(
    (name) =>
      [
        ['options', name],
        [
          '""',
          '"tomorrow"',
          '"2026-01-01T00:00:00"',
          '"2026-13-01T00:00:00Z"',
          '"2026-01-01"',
          '"+PT"',
          '"+1s"',
          '"+P99999999Y"',
        ],
      ] as const,
  ),
  [
    ['options', 'visibility_timeout'],
    ['"1s"', '"PT"', '0'],
  ],
  [
    ['options', 'tags'],
    ['[1]', '[null]'],
  ],
  [
    ['options', 'retry', 'max_attempts'],
    [...numbers, '-1'],
  ],
  [
    ['options', 'retry', 'initial_interval'],
    ['"1s"', '"PT"', '"P1"', '"PT0S"'],
  ],
  [
    ['options', 'retry', 'backoff_coefficient'],
    ['0.5', '-1', '1e400'],
  ],
  [
    ['options', 'retry', 'on_exhaustion'],
    ['"explode"', '"__proto__"', '""'],
  ],
];
const fetchValues: Values = [
  [
    ['queues'],
    [
      '[]',
      '[1]',
      '["A"]',
      '[""]',
      '["a\\u0000"]',
      '["\\ud800"]',
      '["__proto__"]',
      `[${long(129)}]`,
      JSON.stringify(Array.from({ length: 101 }, () => 'a')),
    ],
  ],
  [['count'], [...numbers.slice(0, 3), '0', '-1']],
  [['wait_ms'], [...numbers.slice(0, 3), '-1']],
  [['visibility_timeout_ms'], [...numbers, '0', '86400001']],
  [['request_id'], [...names, long(129)]],
];
const beatValues: Values = [
  [['active_jobs'], ['[1]', '[null]', '[{}]']],
  [['active_job_ids'], ['[1]']],
  [['state'], ['""', '"dead"', '"__proto__"']],
  [['visibility_timeout_ms'], [...numbers, '0']],
  [['leases'], ['{"a":1}', '{"a":null}']],
  [
    ['load', 'event_loop_lag_ms'],
    ['-1', '1e400'],
  ],
];
const ackValues: Values = [
  [['job_id'], ['""', '"\\ud800"', long(256)]],
  [['worker_id'], names],
  [['x_lease'], ['""', '"\\u0000"', long(65)]],
];
const nackValues: Values = [
  ...ackValues,
  [['delay_ms'], [...numbers, '-1']],
  [
    ['error', 'response_code'],
    ['"MAYBE"', '"retry"'],
  ],
  [['error'], ['{}', '{"code":"x"}']],
];

const reporterKinds: Kinds = [
  [['worker_id'], 'string'],
  [['x_lease'], 'string'],
  [['attempt'], 'number'],
];
const reporterValues: Values = [
  [['worker_id'], names],
  [['attempt'], numbers],
];
const progressKinds: Kinds = [
  ...reporterKinds,
  [['progress'], 'number'],
  [['percentage'], 'number'],
  [['message'], 'string'],
  [['data'], 'object'],
];
const progressValues: Values = [...reporterValues, [['message'], [long(4_097)]]];

const filterKinds: Kinds = [
  ...(['queue', 'type', 'job_type', 'error_type', 'args'] as const).map(
    (name) => [['filter', name], 'string'] as const,
  ),
  [['filter'], 'object'],
];
const filterValues: Values = [[['filter'], ['{"quue":"a"}', '{"__proto__":{"queue":"a"}}', '{"toString":1}']]];
const bulkKinds: Kinds = [
  ...filterKinds,
  [['idempotency_key'], 'string'],
  ...(['enqueued_after', 'enqueued_before', 'since', 'until'] as const).map(
    (name) => [['filter', name], 'string'] as const,
  ),
  [['filter', 'priority'], 'number'],
  [['filter', 'meta'], 'object'],
];
const bulkValues: Values = [
  ...filterValues,
  [
    ['filter', 'states'],
    ['["dead"]', '[1]', '"__proto__"', '1'],
  ],
  [
    ['filter', 'since'],
    ['"yesterday"', '"2026-13-01T00:00:00Z"', '"P1D"'],
  ],
  [
    ['filter', 'priority'],
    [...numbers, '101'],
  ],
  [['idempotency_key'], [...names.slice(0, 4), long(257)]],
];

const rateKinds = (at: string): Kinds => [
  [[at], 'object'],
  [[at, 'limit'], 'number'],
  [[at, 'period'], 'string'],
];
const rateValues = (at: string): Values => [
  [
    [at, 'limit'],
    [...numbers, '0', '-1', '1000001'],
  ],
  [
    [at, 'period'],
    ['""', '"1s"', '"P"', '"PT0S"', '"P2D"', '"__proto__"', '"constructor"'],
  ],
];
const concurrencyKinds: Kinds = [[['concurrency'], 'number']];
const concurrencyValues: Values = [[['concurrency'], [...numbers, '-1', '1000001']]];

const configKinds: Kinds = [
  ...concurrencyKinds,
  ...rateKinds('rate_limit'),
  [['max_size'], 'number'],
  [['overflow_policy'], 'string'],
  [['backpressure'], 'object'],
  [['backpressure', 'max_depth'], 'number'],
  [['backpressure', 'strategy'], 'string'],
  [['backpressure', 'warning_threshold'], 'number'],
  [['retention'], 'object'],
  [['retention', 'completed'], 'string'],
];
const configValues: Values = [
  ...concurrencyValues,
  ...rateValues('rate_limit'),
  [['max_size'], [...numbers, '-1', '1000000001']],
  [
    ['backpressure', 'max_depth'],
    [...numbers, '-1'],
  ],
  [
    ['backpressure', 'strategy'],
    ['""', '"explode"', '"__proto__"'],
  ],
  [
    ['backpressure', 'warning_threshold'],
    ['-0.1', '1.1', '1e400'],
  ],
  [
    ['retention', 'completed'],
    ['"7d"', '"P"'],
  ],
];

const schemaKinds: Kinds = [
  [['schema'], 'object'],
  [['uri'], 'string'],
  [['mode'], 'string'],
  [['validation'], 'object'],
];
const schemaValues: Values = [
  [
    ['schema'],
    [
      '{"type":"colour"}',
      '{"$ref":"http://evil.test/schema"}',
      '{"$ref":"#/nowhere"}',
      '{"pattern":"("}',
      '{"minItems":-1}',
    ],
  ],
  [['uri'], ['"x"', '"urn:a b"', '"1:x"', ...names, long(2_049)]],
  [['mode'], ['"loose"', '"__proto__"']],
];

const cronKinds: Kinds = [
  ...(['cron', 'timezone', 'overlap_policy', 'description'] as const).map((name) => [[name], 'string'] as const),
  [['enabled'], 'boolean'],
];
const expressions = [
  '""',
  '"* * * *"',
  '"60 * * * *"',
  '"*/0 * * * *"',
  '"5-1 * * * *"',
  '"@sometimes"',
  '"@every 1s x"',
  '"1,,2 * * * *"',
  long(100_000),
];
const zones = ['"Mars/Olympus"', '"__proto__"', '"../../etc/passwd"', '"\\u0000"', long(10_000)];
const cronValues: Values = [
  [['cron'], expressions],
  [['timezone'], ['""', ...zones]],
  [['overlap_policy'], ['""', '"explode"', '"__proto__"']],
  [['description'], [long(4_097)]],
];
/**
 * Templates say less than envelopes: what stands beside a cron's own members is read only where it has a meaning for
 * its jobs.
 */
const templateKinds = jobKinds.filter(([path]) => !['id', 'specversion'].includes(String(path[0])));
const templateValues = jobValues.filter(([path]) => !['id', 'specversion'].includes(String(path[0])));

const editMembers = [
  'args',
  'meta',
  'priority',
  'tags',
  'retry',
  'delay_until',
  'scheduled_at',
  'timeout',
  'timeout_ms',
];
const inEdit = (path: Path): Path => (path[0] === 'options' ? path.slice(1) : path);
const isEdited = ([[name]]: Kinds[number] | Values[number]) => editMembers.includes(String(name));
const editKinds: Kinds = [
  ...jobKinds.map(([path, ...kinds]) => [inEdit(path), ...kinds] as const).filter(isEdited),
  [['if_match'], 'object'],
  [['if_match', 'state'], 'string'],
  [['if_match', 'attempt'], 'number'],
  [['if_match', 'priority'], 'number'],
];
const editValues: Values = [
  ...jobValues.map(([path, texts]) => [inEdit(path), texts] as const).filter(isEdited),
  [
    ['if_match', 'state'],
    ['""', '"waiting"', '"__proto__"'],
  ],
  [
    ['if_match', 'attempt'],
    [...numbers, '-1'],
  ],
  [['prioritty'], ['1']],
  [['expires_at'], ['"2099-01-01T00:00:00Z"']],
];

const stepKinds = jobKinds.filter(([path]) => path[0] !== 'specversion');
const stepValues = jobValues.filter(([path]) => !['id', 'specversion'].includes(String(path[0])));
const workflowKinds: Kinds = [
  [['id'], 'string'],
  [['type'], 'string'],
  [['name'], 'string'],
  [['meta'], 'object'],
  [['options'], 'object'],
  [['jobs'], 'array'],
  [['callbacks'], 'object'],
  [['callbacks', 'on_complete'], 'object'],
];
const workflowValues: Values = [
  [['id'], ids],
  [['type'], ['""', '"swarm"', '"__proto__"']],
  [['name'], ['"\\ud800"', '"a\\u0000b"', long(256)]],
  [
    ['jobs'],
    ['[]', '[1]', '[null]', '[[]]', JSON.stringify(Array.from({ length: maxNodes }, () => ({ type: 'a', args: [] })))],
  ],
  [['steps'], ['[{"type":"a","args":[]}]', '1']],
  [['callbacks'], ['{}', '{"on_end":{}}', '{"__proto__":{"type":"a","args":[]}}']],
  [
    ['options', 'priority'],
    [...numbers, '101'],
  ],
  [
    ['jobs', 1, 'depends_on'],
    ['1', '[1]', '["nobody"]', '["second"]', '["__proto__"]'],
  ],
  [
    ['jobs', 1, 'id'],
    ['""', '"0"', '"\\ud800"', '1', long(256)],
  ],
];

export interface WrongValue {
  readonly path: Path;
  /** JSON text */
  readonly value: string;
}

function wrong(at: Path, kinds: Kinds, values: Values): readonly WrongValue[] {
  const all = Object.keys(samples) as readonly Kind[];
  return [
    ...kinds.flatMap(([path, ...right]) =>
      all.filter((kind) => !right.includes(kind)).map((kind) => ({ path: [...at, ...path], value: samples[kind] })),
    ),
    ...values.flatMap(([path, texts]) => texts.map((value) => ({ path: [...at, ...path], value }))),
  ];
}

/** The bodies of an operation that are wrong in one place. */
export function wrongValues(name: OperationName): readonly WrongValue[] {
  const worker = wrong([], [[['worker_id'], 'string']], [[['worker_id'], names]]);
  const needed = (...paths: readonly string[]) => paths.map((path) => ({ path: [path], value: 'null' }));
  switch (name) {
    case 'job.enqueue':
      return [...wrong([], jobKinds, jobValues), ...needed('type', 'args')];
    case 'job.enqueueBatch':
      return [
        ...wrong(['jobs', 1], jobKinds, jobValues),
        ...wrong([], [[['jobs'], 'array']], [[['jobs'], ['[]']]]),
        ...needed('jobs'),
      ];
    case 'job.edit':
      return wrong([], editKinds, editValues);
    case 'job.reportProgress':
      return wrong([], progressKinds, progressValues);
    case 'worker.progress':
      return [...wrong([], [...progressKinds, [['job_id'], 'string']], progressValues), ...needed('job_id')];
    case 'job.saveCheckpoint':
      return wrong([], reporterKinds, reporterValues);
    case 'job.results':
      return [...wrong([], [[['ids'], 'array']], [[['ids'], ['[1]', '[null]', '[[]]']]]), ...needed('ids')];
    case 'bulk.enqueue':
      return [
        ...wrong(
          [],
          [
            [['jobs'], 'array'],
            [['atomicity'], 'string'],
            [['idempotency_key'], 'string'],
          ],
          [
            [['jobs'], ['[]']],
            [['atomicity'], ['"some"', '"__proto__"', '""']],
            [['idempotency_key'], [...names.slice(0, 4), long(257)]],
          ],
        ),
        ...needed('jobs'),
      ];
    case 'bulk.cancel':
      return [
        ...wrong([], [[['job_ids'], 'array']], [[['job_ids'], ['[1]', '[null]']]]),
        ...needed('job_ids'),
        { path: ['filter'], value: '{}' },
      ];
    case 'bulk.retry':
    case 'bulk.delete':
      return [...wrong([], bulkKinds, bulkValues), ...needed('filter'), { path: ['job_ids'], value: '[]' }];
    case 'bulk.start':
      return [
        ...wrong(
          [],
          [
            [['action'], 'string'],
            [['query'], 'string'],
            [['rate'], 'number'],
            [['dry_run'], 'boolean'],
            [['confirm'], 'boolean'],
          ],
          [
            [['action'], ['""', '"explode"', '"undo"', '"__proto__"']],
            [['query'], ['""', '"stat:active"', '"state:active"', '"a\\u0000b"', long(2_001)]],
            [['rate'], ['0', '-1', '1e400', '100001']],
            [['confirm'], ['false', '"yes"', '1']],
          ],
        ),
        ...wrong(
          [],
          bulkKinds.filter(([path]) => path[0] === 'filter'),
          bulkValues.filter(([path]) => path[0] === 'filter'),
        ),
        ...wrong([], [[['changes'], 'object']], [[['changes'], ['{"priority":1}', '{"__proto__":{"priority":1}}']]]),
        ...needed('action', 'confirm'),
        { path: ['filter', 'older_than'], value: '"P1D"' },
      ];
    case 'admin.cancelJobs':
    case 'admin.retryJobs':
    case 'admin.deleteJobs':
      return [
        ...wrong([], [...bulkKinds, [['confirm'], 'boolean']], [...bulkValues, [['confirm'], ['false', '"yes"', '1']]]),
        ...needed('filter', 'confirm'),
        { path: ['job_ids'], value: '[]' },
      ];
    case 'admin.setMaintenance':
      return [
        ...wrong(
          [],
          [
            [['enabled'], 'boolean'],
            [['reason'], 'string'],
            [['estimated_duration'], 'string'],
          ],
          [
            [['reason'], ['""', '"\\ud800"', '"a\\u0000b"', long(1_001)]],
            [['estimated_duration'], ['"30m"', '"P"', '"__proto__"']],
          ],
        ),
        ...needed('enabled'),
      ];
    case 'worker.direct':
      return [
        ...wrong(
          [],
          [
            [['directive'], 'string'],
            [['worker_ids'], 'array'],
          ],
          [
            [['directive'], ['""', '"dead"', '"__proto__"', '"quiett"']],
            [['worker_ids'], ['[1]', '[null]', '[[]]']],
            [['worker_id'], ['"keeper"', '1']],
          ],
        ),
        ...needed('directive', 'worker_ids'),
      ];
    case 'worker.fetch':
      return [...worker, ...wrong([], fetchKinds, fetchValues), ...needed('queues')];
    case 'worker.ack':
      return [...wrong([], ackKinds, ackValues), ...needed('job_id')];
    case 'worker.nack':
      return [...wrong([], nackKinds, nackValues), ...needed('job_id', 'error')];
    case 'worker.heartbeat':
    case 'worker.register':
      return [
        ...worker,
        ...wrong([], beatKinds, [...beatValues, [['labels'], [long(16_385)]]]),
        ...needed('worker_id'),
      ];
    case 'worker.deregister':
      return [...worker, ...needed('worker_id')];
    case 'worker.exchange':
      return [
        ...worker,
        ...needed('worker_id'),
        ...wrong(
          [],
          [
            [['acks'], 'array'],
            [['nacks'], 'array'],
            [['beat'], 'object'],
            [['fetch'], 'object'],
          ],
          [
            [['acks'], ['[1]', '[null]', '[[]]']],
            [['nacks'], ['["x"]']],
          ],
        ),
        ...wrong(['fetch'], fetchKinds, fetchValues),
        ...wrong(['beat'], beatKinds, beatValues),
      ];
    case 'queue.create':
      return [
        ...wrong(
          [],
          [
            [['name'], 'string'],
            [['config'], 'object'],
          ],
          [[['name'], ['""', '"A"', '"a_b"', '"a\\u0000"', '"__proto__"', long(129)]]],
        ),
        ...wrong(['config'], configKinds, configValues),
        ...needed('name'),
      ];
    case 'queue.configure':
      return wrong([], configKinds, configValues);
    case 'queue.limit':
      return wrong(
        [],
        [...concurrencyKinds, ...rateKinds('rate').slice(1)],
        [...concurrencyValues, ...rateValues('rate')],
      );
    case 'limit.override':
      return wrong(
        [],
        [...concurrencyKinds, ...rateKinds('throttle'), ...rateKinds('rate').slice(1), [['expires_at'], 'string']],
        [
          ...concurrencyValues,
          ...rateValues('rate'),
          ...rateValues('throttle'),
          [['max_per_second'], ['0', '-1', '1e400', '"1"', '1000001']],
          [['expires_at'], ['"tomorrow"', '"2020-01-01T00:00:00Z"', '"-PT1S"']],
        ],
      );
    case 'schema.register':
      return [
        ...wrong(
          [],
          [...schemaKinds, [['type'], 'string'], [['version'], 'string', 'number']],
          [
            ...schemaValues,
            [['type'], ['""', '"A.b"', '"a..b"', '"__proto__"', long(256)]],
            [['version'], ['"x"', '""', '-1', '1e400', '"1.0.0.0"', '"__proto__"']],
          ],
        ),
        ...needed('type', 'version', 'schema'),
      ];
    case 'schema.put':
      return [...wrong([], schemaKinds, schemaValues), ...needed('schema')];
    case 'deadLetter.retryMany':
      return [
        ...wrong(
          [],
          [...filterKinds, [['confirm'], 'boolean']],
          [...filterValues, [['confirm'], ['false', '"yes"', '1']]],
        ),
        ...needed('confirm'),
        { path: ['quue'], value: '"a"' },
        { path: ['filter', 'older_than'], value: '"30 days"' },
        { path: ['ids'], value: '[1]' },
      ];
    case 'workflow.create':
      return [
        ...wrong([], workflowKinds, workflowValues),
        ...wrong(['jobs', 1], stepKinds, stepValues),
        ...wrong(['callbacks', 'on_complete'], templateKinds, stepValues),
        ...needed('jobs', 'callbacks'),
      ];
    case 'cron.register':
      return [
        ...wrong(
          [],
          [...cronKinds, [['name'], 'string']],
          [...cronValues, [['name'], ['""', '"A"', '"a_b"', '"a/b"', '"__proto__"', long(256)]]],
        ),
        ...wrong([], templateKinds, templateValues),
        ...needed('name', 'cron', 'type'),
      ];
    case 'cron.update':
      return [...wrong([], cronKinds, cronValues), ...wrong([], templateKinds, templateValues)];
    case 'cron.preview':
      return [
        ...wrong(
          [],
          [
            [['expression'], 'string'],
            [['timezone'], 'string'],
            [['count'], 'number'],
          ],
          [
            [['expression'], expressions],
            [['timezone'], zones],
            [['count'], [...numbers.slice(0, 3), '0', '-1']],
          ],
        ),
        ...needed('expression'),
      ];
    default:
      throw new Error(`${name} needs no body`);
  }
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
