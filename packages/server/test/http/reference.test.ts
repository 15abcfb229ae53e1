import { readFileSync } from 'node:fs';
import { operationNames, operations, routesOf } from '@ojs-ts/core/operations';
import { expect, test } from 'vitest';
import { send } from '../support/request.ts';
import { serve } from '../support/server.ts';

const page = readFileSync(new URL('../../../../docs/reference/http.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| ([A-Z]+) \| `([^`]+)` \| ([a-z, ]+) \| (.+) \|$/gm)].map(
  ([, method = '', path = '', right = '', words = '']) => ({ method, path, right, words }),
);
/** Streams are no operations: they have no single answer. */
const streams = rows.filter(({ path }) => /\/(stream|events|summaries|ws)$/.test(path) && path !== '/ojs/v1/events');

test('docs/reference/http.md has every operation with its path, its right and its other spellings, and nothing else', () => {
  const told = rows
    .filter((row) => !streams.includes(row))
    .map(({ method, path, right, words }) => ({
      route: `${method} ${path}`,
      right,
      also: [...words.matchAll(/`([A-Z]+ \/[^`]+)`/g)].map(([, route]) => route),
    }));
  const known = operationNames.map((name) => {
    const [route = '', ...also] = routesOf(name).map(({ method, path }) => `${method} ${path}`);
    return { route, right: operations[name].right, also };
  });
  const byRoute = (one: { readonly route: string }, other: { readonly route: string }) =>
    one.route.localeCompare(other.route);
  expect(told.toSorted(byRoute)).toEqual(known.toSorted(byRoute));
});

test('the streams that docs/reference/http.md names are routes, and ask for a token', async () => {
  expect(streams).toHaveLength(8);
  const server = await serve({ tokens: ['a-long-secret'] });
  try {
    for (const { method, path, right } of streams) {
      expect(right).toBe(path.includes('/result/') ? 'payload' : path.includes('/stats/') ? 'read' : 'inspect');
      const { status } = await send(server.url, { method, path: path.replace(/:\w+/, 'one') });
      expect([path, status]).toEqual([path, 401]);
    }
  } finally {
    await server.close();
  }
});
