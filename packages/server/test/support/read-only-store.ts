import { expect } from 'vitest';
import { startServer } from '../../src/main.ts';

/**
 * A server whose store becomes read-only says so, reads, and goes on when the store takes writes again. No user writes
 * meanwhile: the upkeep notices both.
 */
export async function survivesReadOnly(
  storage: string,
  { lock, unlock }: { readonly lock: () => Promise<unknown>; readonly unlock: () => Promise<unknown> },
): Promise<void> {
  await using server = await startServer({ storage, port: 0, log: false });
  const enqueue = () =>
    fetch(`${server.url}/ojs/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 't', args: [] }),
    });
  const health = async () => {
    const response = await fetch(`${server.url}/ready`);
    const { checks }: { readonly checks: object } = JSON.parse(await response.text());
    return { status: response.status, ...checks };
  };
  expect((await enqueue()).status).toBe(201);
  await lock();
  const writes = expect.objectContaining({ status: 'fail', reason: 'read_only' });
  await expect.poll(health, { timeout: 15_000 }).toMatchObject({ status: 503, writes });
  const refused = await enqueue();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(JSON.parse(await refused.text())).toMatchObject({
    error: { message: 'The store takes no writes: it is read-only.', details: { reason: 'read_only' } },
  });
  expect((await fetch(`${server.url}/ojs/v1/queues`)).status).toBe(200);
  await unlock();
  await expect.poll(health, { timeout: 15_000 }).toMatchObject({ status: 200, writes: { status: 'pass' } });
  expect((await enqueue()).status).toBe(201);
}
