import { openEmbedded } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { Client } from '../../src/index.ts';
import { NextOjs, nextOjs } from '../../src/next/index.ts';
import { keepingLogger } from '../support/log.ts';
import { exerciseFramework, signup } from './signup.ts';

// Next.js itself is 192 MB unpacked, so its contracts stand here: web-standard handlers, `after()`, and errors whose
// `digest` says what they are.

/** `after()` of next/server: tasks run once the response is sent, none where the handler has thrown. */
function afterQueue() {
  const tasks: (() => Promise<void>)[] = [];
  return {
    after: (task: () => Promise<void>) => void tasks.push(task),
    sent: async () => {
      for (const task of tasks.splice(0)) await task();
    },
  };
}

function thrown(digest: string): Error {
  return Object.assign(new Error(digest), { digest });
}

exerciseFramework('next', async (options) => {
  const { after, sent } = afterQueue();
  const ojs = new NextOjs({ ...options, after, context: () => ({ userId: '7' }) });
  ojs.start();
  const POST = ojs.route(async (request: Request) => {
    const { status, id } = await signup(ojs, await request.json());
    return Response.json({ id }, { status });
  });
  /** As Next.js does around a handler. */
  const serve = async (handler: () => Promise<Response>) => {
    const response = await handler().catch(() => Response.json({}, { status: 500 }));
    const body: unknown = await response.json();
    await sent();
    return { status: response.status, body };
  };
  return {
    post: (path, body, headers) =>
      serve(() =>
        POST(
          new Request(`http://app${path}`, { method: 'POST', body: JSON.stringify(body), ...(headers && { headers }) }),
        ),
      ),
    get: () => serve(() => ojs.healthRoute()),
    [Symbol.asyncDispose]: () => ojs.close(),
  };
});

test('a route passes its arguments on; without after() the response waits for the jobs', async () => {
  await using embedded = await openEmbedded('memory:');
  await using ojs = new NextOjs({ target: embedded });
  const GET = ojs.route(async (_request: Request, { params }: { params: Promise<{ id: string }> }) => {
    await ojs.enqueueAfterCommit('a.b', [(await params).id], { queue: 'waited' });
    return new Response('ok');
  });
  await GET(new Request('http://app/'), { params: Promise.resolve({ id: '7' }) });
  expect((await new Client(embedded).queueStats('waited')).available).toBe(1);
});

test.each([
  ['a return', null, 1],
  ['a redirect', 'NEXT_REDIRECT;replace;/home;307;', 1],
  ['notFound()', 'NEXT_HTTP_ERROR_FALLBACK;404', 0],
  ['an error', '', 0],
])('a server action that ends by %s', async (_name, digest, jobs) => {
  await using embedded = await openEmbedded('memory:');
  const { after, sent } = afterQueue();
  await using ojs = new NextOjs({
    target: embedded,
    after,
    requestHeaders: async () => new Headers({ 'x-request-id': 'r1' }),
  });
  let id = '';
  const action = ojs.action(async (name: string) => {
    id = await ojs.enqueueAfterCommit('a.b', [name]);
    if (digest !== null) throw thrown(digest);
    return 'done';
  });
  if (digest === null) expect(await action('x')).toBe('done');
  else await expect(action('x')).rejects.toThrow(digest);
  const client = new Client(embedded);
  expect(await client.getJob(id).catch((error) => error.code)).toBe('not_found');
  await sent();
  if (jobs === 0) expect(await client.getJob(id).catch((error) => error.code)).toBe('not_found');
  else expect((await client.getJob(id)).meta).toEqual({ 'ojs.context.request_id': 'r1' });
});

test('modules that are loaded again share one helper', async () => {
  let made = 0;
  const make = () => {
    made++;
    return { logger: keepingLogger() };
  };
  const one = nextOjs(make, 'test');
  expect(nextOjs(make, 'test')).toBe(one);
  expect(nextOjs(make, 'another')).not.toBe(one);
  expect(made).toBe(2);
  await one.close();
});
