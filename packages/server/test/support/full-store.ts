import { expect } from 'vitest';
import { startServer } from '../../src/main.ts';

interface ResultBudget {
  /** Leaves the store no room, or very little. */
  readonly fill: () => unknown;
  readonly free: () => unknown;
}

const large = 'x'.repeat(20_000);

/**
 * A server whose store is full answers 503 with Retry-After, reads, and goes on when there is room, with all that it
 * answered and nothing that it refused.
 */
export async function survivesFullness(storage: string, { fill, free }: ResultBudget): Promise<void> {
  await using server = await startServer({ storage, port: 0, log: false });
  const get = (path: string) => fetch(server.url + path);
  const post = (path: string, body: object) =>
    fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const enqueue = () => post('/ojs/v1/jobs', { type: 't', args: [large] });
  const accepted: string[] = [];
  const note = async (response: Response) => {
    expect(response.status).toBe(201);
    const { job }: { readonly job: { readonly id: string } } = JSON.parse(await response.text());
    accepted.push(job.id);
  };
  const readAll = () => Promise.all(accepted.map(async (id) => (await get(`/ojs/v1/jobs/${id}`)).status));
  for (let count = 0; count < 20; count++) await note(await enqueue());

  await fill();
  let refused = await enqueue();
  for (; refused.status === 201; refused = await enqueue()) await note(refused);
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const reason = expect.stringMatching(/^(full|io_error)$/);
  expect(JSON.parse(await refused.text())).toMatchObject({
    error: { type: 'backend_unavailable', retryable: true, details: { reason } },
  });
  // At once: health must not wait for a probe.
  for (const path of ['/ojs/v1/health', '/ready']) {
    const health = await get(path);
    expect([health.status, Number(health.headers.get('retry-after'))]).toEqual([503, 1]);
    const checks = { writes: { status: 'fail', reason, message: expect.stringMatching(/.+/) } };
    expect(JSON.parse(await health.text())).toMatchObject({
      status: 'degraded',
      backend: { status: 'connected' },
      checks,
    });
  }
  // Other writes too.
  const fetched = await post('/ojs/v1/workers/fetch', { queues: ['default'], count: 50 });
  expect([200, 503]).toContain(fetched.status);
  expect(new Set(await readAll())).toEqual(new Set([200]));
  expect((await get('/ojs/v1/queues')).status).toBe(200);

  await free();
  for (let count = 0; count < 20; count++) await note(await enqueue());
  // Without any further write of a user.
  await expect.poll(async () => (await get('/ojs/v1/health')).status, { timeout: 10_000 }).toBe(200);
  const { available, active }: Readonly<Record<string, number>> = JSON.parse(
    await (await get('/ojs/v1/queues/default/stats')).text(),
  );
  expect(
    [available, active].reduce((sum = 0, one = 0) => sum + one),
    'what was refused left nothing',
  ).toBe(accepted.length);
  expect(new Set(await readAll())).toEqual(new Set([200]));
}
