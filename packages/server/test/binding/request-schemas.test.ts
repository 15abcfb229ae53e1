import { isObject } from '@ojs-ts/core';
import { type OperationName, operationNames } from '@ojs-ts/core/operations';
import { requests } from '@ojs-ts/core/schemas';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Binding } from '../../src/binding/binding.ts';
import { type Canaries, nowhere } from '../support/canaries.ts';
import { type Bench, bench } from '../support/engine.ts';
import { newId } from '../support/ids.ts';
import { bodyOf, optionalBodyOf } from '../support/requests/valid-requests.ts';
import { type Path, placed, wrongValues } from '../support/requests/wrong-values.ts';

const canaries: Canaries = { ...nowhere, queue: 'q', active: newId(), available: newId(), completed: newId() };
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const validators = new Map<OperationName, ValidateFunction>();

function isTaken(name: OperationName, body: unknown): boolean {
  const validate = validators.get(name) ?? ajv.compile(requests[name].body?.schema() ?? false);
  validators.set(name, validate);
  return validate(withoutNulls(body));
}

/** Null counts as absent (ojs-json-format §14.2). */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}

function validBody(name: OperationName): object | undefined {
  return bodyOf(name, canaries) ?? optionalBodyOf(name, canaries);
}

const withBodies = operationNames.filter((name) => validBody(name) !== undefined);
const required = withBodies.filter((name) => bodyOf(name, canaries) !== undefined);
/**
 * Their bodies are not judged one member at a time: they are read after the job or the cron was found, or have a job of
 * which one member hides another.
 */
const unjudged: ReadonlySet<OperationName> = new Set([
  ...(['job.rerun', 'job.edit', 'job.saveCheckpoint', 'job.deleteCheckpoint', 'cron.update'] as const),
  ...(['job.enqueueBatch', 'workflow.create', 'cron.register'] as const),
]);
const judged = withBodies.filter((name) => !unjudged.has(name));

/** The members of a schema, also those within others. */
function pathsIn(schema: unknown, depth = 3): readonly Path[] {
  if (depth === 0 || !isObject(schema) || !isObject(schema.properties)) return [];
  return Object.entries(schema.properties).flatMap(([name, member]) => [
    [name],
    ...pathsIn(member, depth - 1).map((path) => [name, ...path]),
  ]);
}

/** An exchange refuses its acks and nacks one by one, so its reader takes any object there. */
function withValidItems(name: OperationName, body: unknown): unknown {
  if (name !== 'worker.exchange' || !isObject(body)) return body;
  const valid = validBody(name) ?? {};
  const members = Object.entries(body).map(([member, value]) => {
    const isItems = (member === 'acks' || member === 'nacks') && Array.isArray(value) && value.every(isObject);
    return [member, isItems ? Reflect.get(valid, member) : value];
  });
  return Object.fromEntries(members);
}

/** A fetch that waits would hold the test up. */
const isQuick = (path: Path) => path.at(-1) !== 'wait_ms';

describe('the schema of a body', () => {
  let b: Bench;
  let binding: Binding;
  beforeAll(async () => {
    b = await bench('memory:');
    binding = new Binding(b.engine, { version: '0', source: 'ojs://test', testMode: false }, () => {});
  });
  afterAll(() => b[Symbol.asyncDispose]());

  test('every operation that takes a body has one, and takes what it describes', () => {
    for (const name of operationNames) {
      const body = validBody(name);
      if (body !== undefined) expect([name, isTaken(name, body)]).toEqual([name, true]);
    }
  });

  const examples: Partial<Record<OperationName, [readonly string[], unknown][]>> = {
    'worker.exchange': [[['nacks'], [{}]]],
    'schema.put': [[['validation', 'mode'], { toString: 0 }]],
  };

  test.each(judged)('%s: what the server takes, the schema takes', async (name) => {
    // Members in options win over those beside it, which are then not read.
    const valid = name === 'job.enqueue' ? { type: 'a.b', args: [] } : (validBody(name) ?? {});
    const paths = pathsIn(requests[name].body?.schema()).filter(isQuick);
    const values = fc.oneof(
      fc.constantFrom<unknown>(
        0,
        1,
        7,
        -1,
        1.5,
        true,
        false,
        '',
        'a',
        'PT1S',
        '+PT5M',
        '2099-01-01T00:00:00Z',
        [],
        ['a'],
        {},
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), values, async (path, value) => {
        const body = placed(valid, path, value);
        const request = { params: {}, query: {}, body: JSON.stringify(body), requestId: 'r', key: null };
        const { status } = await binding.call(name, request);
        if (status === 400 || status === 422) return;
        expect([status, body, isTaken(name, withValidItems(name, body))]).toEqual([status, body, true]);
      }),
      { numRuns: 300, examples: examples[name] ?? [] },
    );
  });

  test.each(required)('%s: a value of the wrong kind, which the server refuses, the schema refuses', (name) => {
    const kinds = ['"=?"', 'true', '[[]]', '{"a":1}'];
    for (const { path, value } of wrongValues(name).filter((wrong) => kinds.includes(wrong.value))) {
      const body = placed(validBody(name) ?? {}, path, JSON.parse(value));
      expect([path, value, isTaken(name, body)]).toEqual([path, value, false]);
    }
  });
});
