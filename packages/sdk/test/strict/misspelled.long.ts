import { editDistance, type Transport } from '@ojs-ts/core';
import { type Embedded, openEmbedded } from '@ojs-ts/server';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Admin, Client } from '../../src/index.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { misspellings } from './misspelling.ts';
import { data, methodPlace, ofCallers, type Place, placesOf } from './places.ts';
import { readSurface } from './surface.ts';

const surface = readSurface(data).filter(({ place }) => !ofCallers.includes(place));
/** Objects that are taken out of a function of the caller's, or out of an object with names of the caller's. */
const hidden = new Map([
  ['the context of a request', ['requestId', 'userId', 'tenantId', 'locale', 'traceparent', 'tracestate', 'meta']],
  ['a node of dag()', ['job', 'after']],
]);

let embedded: Embedded;
let sent = 0;
let places: Readonly<Record<string, Place>>;

beforeAll(async () => {
  embedded = await openEmbedded('memory:');
  const counting: Transport = {
    call(call, context) {
      sent += 1;
      return embedded.call(call, context);
    },
    async [Symbol.asyncDispose]() {},
  };
  const client = new Client(counting);
  const clients: Readonly<Record<string, object>> = {
    Client: client,
    Admin: new Admin(counting),
    SyncClient: new SyncClient('http://127.0.0.1:9'),
  };
  const methods = surface.flatMap(({ place }) => {
    const target = clients[place.split('.')[0] ?? ''];
    return target === undefined ? [] : [[place, methodPlace(place, target)] as const];
  });
  places = { ...(await placesOf(client, counting)), ...Object.fromEntries(methods) };
});
afterAll(async () => embedded[Symbol.asyncDispose]());

/** The options with an unknown name in the object at the path. */
function withUnknown(options: object, path: string, name: string): object {
  if (path === '') return { ...options, [name]: 1 };
  const [first = '', ...rest] = path.split('.');
  const inner: unknown = Reflect.get(options, first);
  return {
    ...options,
    [first]: withUnknown(typeof inner === 'object' && inner !== null ? inner : {}, rest.join('.'), name),
  };
}

async function refusalOf({ call, base = {} }: Place, path: string, name: string): Promise<string> {
  try {
    await (async () => call(withUnknown(base, path, name)))();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return 'taken';
}

describe('a name that is one letter off is refused before anything is sent, and the name that was meant is suggested', () => {
  const own = [...hidden].map(([place, names]) => ({ place, objects: new Map([['', names]]) }));
  test.each([...surface, ...own])('$place', async ({ place, objects }) => {
    const own = places[place];
    if (own === undefined) throw new Error(`${place} is missing in places.ts`);
    const before = sent;
    for (const [path, names] of objects) {
      for (const name of names) {
        const property = fc.asyncProperty(misspellings(name, names), async (misspelled) => {
          const refusal = await refusalOf(own, path, misspelled);
          const said = /^(?:OJSValidationError|ConfigError): (\S+): unknown option\. Did you mean (\S+)\?/.exec(
            refusal,
          );
          expect(said, refusal).not.toBeNull();
          const [, where = '', meant = ''] = said ?? [];
          expect(`.${where}`.endsWith(`.${path === '' ? misspelled : `${path}.${misspelled}`}`), where).toBe(true);
          expect(names).toContain(meant);
          expect(editDistance(misspelled, meant)).toBe(1);
        });
        await fc.assert(property, { numRuns: 4 });
      }
    }
    expect(sent).toBe(before);
  });
});

test('the table of misspellings names existing places only', () => {
  const known = new Set([...surface.map(({ place }) => place), ...hidden.keys()]);
  expect(Object.keys(places).filter((place) => !known.has(place))).toEqual([]);
  expect(surface.length).toBeGreaterThan(100);
});

test('data of the application is never checked for names: args, meta, tags, schemas, headers, labels', async () => {
  let version = 0;
  const strange = fc.dictionary(
    fc.constantFrom('prioritty', 'attempts', 'timeout_ms', 'jobId', 'retry'),
    fc.oneof(fc.string(), fc.nat(), fc.constant(null), fc.constant([{ timeOut: 1 }])),
    { minKeys: 1 },
  );
  await fc.assert(
    fc.asyncProperty(strange, async (own) => {
      const client = new Client(embedded, { headers: { 'x-prioritty': '1', timeOut: '2' } });
      const options = { meta: { own, ...own }, tags: Object.keys(own), schema: 'urn:prioritty' };
      const { args, meta, tags } = await client.enqueue('a.b', [own], options);
      expect({ args, meta, tags }).toEqual(
        JSON.parse(JSON.stringify({ args: [own], meta: options.meta, tags: options.tags })),
      );
      const [inBatch] = await client.enqueueBatch([{ type: 'a.b', args: [own], meta: own }]);
      expect(inBatch?.meta).toEqual(JSON.parse(JSON.stringify(own)));
      await client.registerSchema(`urn:own:${version++}`, 'own.type', `1.0.${version++}`, {
        type: 'array',
        'x-own': own,
      });
      await client.close();
    }),
    { numRuns: 20 },
  );
});
