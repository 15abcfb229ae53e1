import { openEmbedded } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { nextDashboard } from '../../src/next.ts';
import { addressesOf, builtPages, exerciseMount, listeningWeb, script } from './support.ts';

// Next.js itself is 192 MB unpacked, so its contract stands here: a handler for each method, the rest of the path as
// decoded segments in a promise, no slash at the end of a path, and no encoding of an answer but its own.

const mountPoint = '/ops/jobs';

function contextOf(pathname: string) {
  const path = pathname.slice(mountPoint.length + 1);
  const segments = path.split('/').filter((segment) => segment !== '');
  return { params: Promise.resolve(segments.length === 0 ? {} : { path: segments.map(decodedLeniently) }) };
}

function decodedLeniently(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

exerciseMount('next', async (engine, options, authorizeBy) => {
  const authorize = authorizeBy((request: Request, name) => request.headers.get(name) ?? undefined);
  const handlers = nextDashboard(engine, { ...options, authorize });
  return listeningWeb(async (request) => {
    const url = new URL(request.url);
    if (url.pathname.endsWith('/')) {
      const location = `${url.pathname.slice(0, -1)}${url.search}`;
      return new Response(null, { status: 308, headers: { location } });
    }
    const method = Object.entries(handlers).find(([name]) => name === request.method)?.[1];
    if (method === undefined) return new Response(null, { status: 405 });
    const { status, headers, body } = await method(request, contextOf(url.pathname));
    return new Response(body, { status, headers: [...headers].filter(([name]) => name !== 'content-encoding') });
  });
});

test('the engine is opened by the first call, not with the route', async () => {
  let opened = 0;
  await using engine = await openEmbedded('memory:');
  const { GET } = nextDashboard(
    async () => {
      opened++;
      return engine;
    },
    { pages: builtPages(), authorize: () => true },
  );
  const get = (path: string) => GET(new Request(`http://localhost${path}`), contextOf(path));
  await get('/ops/jobs');
  expect(opened).toBe(0);
  expect((await get('/ops/jobs/ojs/v1/queues')).status).toBe(200);
  expect(opened).toBe(1);
});

test('a route below other dynamic segments, and with slashes at the ends of paths', async () => {
  await using engine = await openEmbedded('memory:');
  const { GET } = nextDashboard(engine, { pages: builtPages(), authorize: () => true });
  const params = { tenant: 'a/b', path: ['queues', 'a/b'] };
  for (const [path, given] of [
    ['/a%2Fb/jobs/queues/a%2Fb', params],
    ['/a%2Fb/jobs/queues/a%2Fb/', params],
    ['/a%2Fb/jobs/', { tenant: 'a/b' }],
    ['/a%2Fb/jobs', { tenant: 'a/b' }],
  ] as const) {
    const url = new URL(path, 'http://localhost');
    const page = await GET(new Request(url), { params: Promise.resolve(given) });
    expect([path, (await addressesOf(page, url)).script.pathname]).toEqual([path, `/a%2Fb/jobs/${script}`]);
  }
});
