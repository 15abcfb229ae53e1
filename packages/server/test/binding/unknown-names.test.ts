import { editDistance, ProtocolError } from '@ojs-ts/core';
import { roles } from '@ojs-ts/core/access';
import { jobShape, readEnvelope, type Shape, State, type Warning } from '@ojs-ts/core/job';
import { type OperationName, operationNames } from '@ojs-ts/core/operations';
import { readWorkflow } from '@ojs-ts/core/workflow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Binding } from '../../src/binding/binding.ts';
import { bodyShape, checkBody } from '../../src/binding/body-members.ts';
import type { BindingRequest } from '../../src/binding/handler.ts';
import { checkStreamQuery, parametersOf, streamParameters } from '../../src/binding/query-parameters.ts';
import { parseToken } from '../../src/http/tokens.ts';
import { bench } from '../support/engine.ts';
import { newId } from '../support/ids.ts';
import { misspelledOf } from '../support/requests/misspelling.ts';

const about = { version: '0', source: 'ojs://test', testMode: false };
const call = (request: Partial<BindingRequest>): BindingRequest => ({
  params: {},
  query: {},
  body: undefined,
  requestId: 'r',
  key: null,
  ...request,
});

/** Objects of a shape, each by the members that lead to it. */
function placesOf(
  shape: Shape,
  path: readonly string[] = [],
): readonly { readonly shape: Shape; readonly path: readonly string[] }[] {
  const nested =
    path.length >= 4
      ? []
      : [...shape.members].flatMap(([name, inner]) => (inner === null ? [] : placesOf(inner, [...path, name])));
  return [{ shape, path }, ...nested];
}

/**
 * Shapes of which no name is near to another's extension prefix; the misspelling is a member at one place of the body.
 */
function misspelledIn(shape: Shape) {
  return fc
    .constantFrom(...placesOf(shape).filter((place) => place.shape.members.size > 0))
    .chain(({ shape: inner, path }) =>
      misspelledOf([...inner.members.keys()])
        .filter(({ wrong }) => !(inner.open && /^(?:ext_|x[_:-])/.test(wrong)))
        .map(({ wrong }) => ({ names: [...inner.members.keys()], wrong, path, value: nest(path, { [wrong]: 1 }) })),
    );
}

function nest(path: readonly string[], value: object): object {
  return path.reduceRight<object>((inner, name) => ({ [name]: inner }), value);
}

function expectNear(
  warnings: readonly { readonly suggestion?: string | null }[],
  wrong: string,
  names: readonly string[],
): void {
  expect(warnings).toHaveLength(1);
  const suggestion = warnings[0]?.suggestion ?? '';
  expect(names).toContain(suggestion);
  expect(editDistance(wrong, suggestion)).toBe(1);
}

const window = { limit: 1, period: 'PT1S' };
/** Rates that can be read whatever stands beside their members. */
const limited = { rate_limit: { rate: window, throttle: window } };

/** Issues of a refusal, or what the work answers. */
function issuesOf(work: () => readonly Warning[]): readonly Warning[] {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    expect(error.code).toBe('invalid_request');
    return error.details.validation_errors as readonly Warning[];
  }
}

describe('a name that is a letter off', () => {
  test('a parameter of the query is refused, whatever the operation', async () => {
    await using b = await bench('memory:');
    const binding = new Binding(b.engine, about, () => {});
    const listed = operationNames.filter((name) => parametersOf(name).read.length > 0);
    await fc.assert(
      fc.asyncProperty(
        fc
          .constantFrom(...listed)
          .chain((operation) => misspelledOf(parametersOf(operation).read).map(({ wrong }) => ({ operation, wrong }))),
        async ({ operation, wrong }) => {
          const { read, tolerated } = parametersOf(operation);
          fc.pre(!tolerated.includes(wrong));
          const { status, text } = await binding.call(operation, call({ query: { [wrong]: 'x' } }));
          expect(status).toBe(400);
          expectNear(JSON.parse(text).error.details.validation_errors, wrong, read);
        },
      ),
      { numRuns: 500 },
    );
    for (const known of Object.values(streamParameters)) {
      fc.assert(
        fc.property(misspelledOf(known), ({ wrong }) =>
          expectNear(
            issuesOf(() => {
              checkStreamQuery(known, { [wrong]: 'x' });
              return [];
            }),
            wrong,
            known,
          ),
        ),
      );
    }
  });

  test('an operation without parameters refuses any, except for probes', async () => {
    await using b = await bench('memory:');
    const binding = new Binding(b.engine, about, () => {});
    for (const name of operationNames.filter((one) => parametersOf(one).read.length === 0)) {
      const { status, text } = await binding.call(
        name,
        call({ query: { queue: 'a' }, params: { id: newId(), name: 'q', key: 'k', version: '1' } }),
      );
      if (name === 'system.health' || name === 'system.manifest')
        expect([status, JSON.parse(text).warnings]).toMatchObject([200, [{ path: 'query.queue' }]]);
      else expect([status, text], name).toEqual([400, expect.stringContaining('takes no parameters')]);
    }
  });

  test.each(operationNames.filter((name) => bodyShape(name) !== null))(
    'a member of the body of %s is refused or warned of, at every depth',
    (operation) => {
      const shape = bodyShape(operation);
      if (shape === null) throw new Error(`${operation} has no shape`);
      fc.assert(
        fc.property(misspelledIn(shape), ({ names, wrong, path, value }) => {
          const found = issuesOf(() => checkBody(operation, JSON.stringify(value)).warnings);
          expectNear(found, wrong, names);
          expect(found[0]?.path).toBe(['$', ...path, wrong].join('.'));
        }),
        { numRuns: 200 },
      );
    },
  );

  test('a member of a job, of its options and policies is reported, and kept as sent', () => {
    fc.assert(
      fc.property(misspelledIn(jobShape), ({ names, wrong, value }) => {
        const text = JSON.stringify(merged({ type: 'a.b', args: [], ...limited, options: limited }, value));
        const { unknown, job } = readEnvelope(text, 0, newId);
        expect(unknown).toHaveLength(1);
        expect([...(unknown[0]?.shape.members.keys() ?? [])]).toEqual(names);
        expect(unknown[0]?.name).toBe(wrong);
        // The server itself says expired_at of a job, so that of a client is not stored.
        if (wrong in value && wrong !== 'expired_at') expect(JSON.parse(`${job.envelope}`)[wrong]).toBe(1);
      }),
      {
        numRuns: 1_000,
        examples: [[{ names: [...jobShape.members.keys()], wrong: 'expired_at', path: [], value: { expired_at: 1 } }]],
      },
    );
  });

  test('a member of a workflow and of its steps is reported', () => {
    const steps = [
      { id: 'a', type: 'a.b', args: [] },
      { id: 'b', type: 'a.b', args: [], depends_on: ['a'], ...limited, options: limited },
    ];
    fc.assert(
      fc.property(misspelledIn(jobShape), ({ wrong, value }) => {
        fc.pre(wrong !== 'name');
        const text = JSON.stringify({ name: 'w', steps: [steps[0], merged(steps[1] ?? {}, value)] });
        const { unknown } = readWorkflow(text, 0, newId);
        expect(unknown.map(({ path }) => path)).toEqual([expect.stringMatching(/^\$\.steps\[1\]\./)]);
      }),
      { numRuns: 500 },
    );
    expect(readWorkflow(JSON.stringify({ naem: 'w', steps }), 0, newId).unknown).toMatchObject([{ path: '$.naem' }]);
  });

  test('a state is refused with the state that is meant', async () => {
    await using b = await bench('memory:');
    const binding = new Binding(b.engine, about, () => {});
    const cases = [
      ['job.list', Object.keys(State)],
      ['workflow.list', ['running', 'completed', 'failed', 'cancelled']],
    ] as const;
    for (const [operation, states] of cases) {
      await fc.assert(
        fc.asyncProperty(misspelledOf(states), async ({ wrong }) => {
          const { status, text } = await binding.call(operation, call({ query: { state: wrong } }));
          expect(status).toBe(400);
          const [, suggestion = ''] = /Did you mean ([a-z]+)\?/.exec(text) ?? [];
          expect(states).toContain(suggestion);
          expect(editDistance(wrong, suggestion)).toBe(1);
        }),
      );
    }
    for (const [operation, query] of [
      ['cron.list', { enabled: 'ture' }],
      ['deadLetter.list', { include: 'discardd' }],
      ['job.result', { wait: 'ture' }],
    ] as const) {
      expect((await binding.call(operation, call({ query, params: { id: newId() } }))).status, operation).toBe(400);
    }
  });

  test('a role of a token is refused', () => {
    fc.assert(
      fc.property(misspelledOf(roles), ({ wrong }) => {
        const message = expect.stringMatching(
          new RegExp(`unknown role ${wrong};.*Did you mean (${roles.join('|')})\\?`),
        );
        expect(() => parseToken(`${wrong}:long-secret`)).toThrow(expect.objectContaining({ message }));
        expect(() => parseToken(`enqueue,${wrong}:long-secret`)).toThrow(expect.objectContaining({ message }));
      }),
    );
  });
});

/** Members of `more` over those of `value`, objects within objects too. */
function merged(value: object, more: object): object {
  const all: Record<string, unknown> = { ...value };
  for (const [name, inner] of Object.entries(more)) {
    const own = all[name];
    all[name] = isPlain(own) && isPlain(inner) ? merged(own, inner) : inner;
  }
  return all;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('what users own', () => {
  const owned = fc.object({ maxDepth: 3 });

  test('args, meta, tags and extensions of a job are never inspected', () => {
    fc.assert(
      fc.property(owned, fc.array(fc.jsonValue()), fc.array(fc.string()), (meta, args, tags) => {
        const extensions = { ext_ml_gpu_count: meta, x_custom: meta, 'x-custom': 1 };
        const job = {
          type: 'a.b',
          args: [meta, ...args],
          meta,
          tags,
          ...extensions,
          options: { meta, metadata: meta, tags },
        };
        expect(readEnvelope(JSON.stringify(job), 0, newId).unknown).toEqual([]);
        const steps = [job, { ...job, id: 'a', name: 'n', depends_on: ['0'] }];
        expect(readWorkflow(JSON.stringify({ name: 'w', meta, steps }), 0, newId).unknown).toEqual([]);
      }),
    );
  });

  test('nor are schemas, checkpoints, and the args and meta of filters and overrides', () => {
    fc.assert(
      fc.property(owned, (value) => {
        const job = { type: 'a.b', args: [value], meta: value };
        const sent: readonly (readonly [OperationName, object])[] = [
          ['schema.register', { type: 'a.b', version: 1, schema: value }],
          ['schema.put', { schema: value }],
          ['job.saveCheckpoint', { state: value }],
          ['bulk.cancel', { filter: { meta: value } }],
          ['bulk.enqueue', { jobs: [job] }],
          ['job.enqueueBatch', { jobs: [job] }],
          ['deadLetter.retry', { override: { args: [value], meta: value } }],
          ['cron.register', { name: 'c', cron: '@daily', job_template: job }],
          ['cron.update', { type: 'a.b', args: [value], meta: value }],
        ];
        for (const [operation, body] of sent)
          expect(checkBody(operation, JSON.stringify(body)).warnings, operation).toEqual([]);
      }),
    );
  });
});

test('every member of a cron’s answer is accepted in a request', async () => {
  await using b = await bench('memory:');
  const binding = new Binding(b.engine, about, () => {});
  const definition = { name: 'c', cron: '@daily', type: 'a.b', description: 'd' };
  const { text } = await binding.call('cron.register', call({ body: JSON.stringify(definition) }));
  const answered: object = JSON.parse(text).cron;
  expect(Object.keys(answered).filter((name) => !bodyShape('cron.register')?.members.has(name))).toEqual([]);
  expect(
    (await binding.call('cron.update', call({ params: { name: 'c' }, body: JSON.stringify(answered) }))).status,
  ).toBe(200);
});
