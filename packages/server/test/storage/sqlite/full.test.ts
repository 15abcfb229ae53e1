import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { State } from '@ojs-ts/core';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../../src/index.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';
import { countErrors, get, idOf, insert, newJob, t0 } from '../suite/tools.ts';
import { temporaryDirectory } from './temporary.ts';

const large = 'x'.repeat(20_000);

test('a file that cannot grow refuses writes as passing, and reads; what was refused left nothing', async () => {
  await using storage = sqliteStorage({ path: join(temporaryDirectory(), 'jobs.db'), maxPages: 150 });
  await storage.migrate();
  let number = 0;
  const fill = async () => {
    for (;;) await insert(storage, [newJob(++number, { envelope: `{"args":["${large}"]}` })]);
  };
  const error: unknown = await fill().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(StoreUnavailable);
  expect(String(error)).toMatch(/jobs\.db cannot grow: the disk is full/);
  expect(await storage.jobs.get([idOf(number)])).toEqual([null]);
  expect((await get(storage, idOf(number - 1))).state).toBe(State.available);
  expect(await countErrors(storage)).toEqual([]);
  // What is freed is used again.
  expect(await storage.jobs.remove([1, 2].map(idOf), { from: State.available }, t0)).toEqual([true, true]);
  await insert(storage, [newJob(number, { envelope: `{"args":["${large}"]}` })]);
  expect(await countErrors(storage)).toEqual([]);
});

/** A file system of its own, of some megabytes; null where this process may not make one. */
function smallDisk(megabytes: number): string | null {
  const path = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', path]));
  return path;
}

test('a server on a full disk answers 503 with Retry-After, reads, and goes on when there is room', async ({ skip }) => {
  const disk = smallDisk(12);
  if (disk === null) return skip('only root may mount a small disk');
  await using server = await startServer({ storage: `sqlite:${join(disk, 'jobs.db')}`, port: 0, log: false });
  const post = (path: string, body: object) =>
    fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const enqueue = () => post('/ojs/v1/jobs', { type: 't', args: [large] });
  const accepted: string[] = [];
  const note = async (response: Response) => {
    expect(response.status).toBe(201);
    const { job }: { readonly job: { readonly id: string } } = JSON.parse(await response.text());
    accepted.push(job.id);
  };
  for (let count = 0; count < 20; count++) await note(await enqueue());

  const filler = join(disk, 'filler');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc(Number(bavail * bsize)));
  let refused = await enqueue();
  for (; refused.status === 201; refused = await enqueue()) await note(refused);
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(JSON.parse(await refused.text())).toMatchObject({ error: { type: 'backend_unavailable', retryable: true } });
  // Other writes too.
  const fetched = await post('/ojs/v1/workers/fetch', { queues: ['default'], count: 50 });
  expect([200, 503]).toContain(fetched.status);
  const reads = await Promise.all(accepted.map((id) => fetch(`${server.url}/ojs/v1/jobs/${id}`)));
  expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await fetch(`${server.url}/ojs/v1/queues`)).status).toBe(200);
  expect((await fetch(`${server.url}/ojs/v1/health`)).status).toBe(200);

  rmSync(filler);
  for (let count = 0; count < 20; count++) await note(await enqueue());
  const queues = await (await fetch(`${server.url}/ojs/v1/queues/default/stats`)).text();
  expect(queues, 'what was refused left nothing').toContain(String(accepted.length));
  const after = await Promise.all(accepted.map((id) => fetch(`${server.url}/ojs/v1/jobs/${id}`)));
  expect(new Set(after.map(({ status }) => status))).toEqual(new Set([200]));
});

test('a storage is closed on a full disk without an error, and is there again with all that it answered', async ({ skip }) => {
  const disk = smallDisk(8);
  if (disk === null) return skip('only root may mount a small disk');
  const path = join(disk, 'jobs.db');
  let number = 0;
  {
    await using storage = sqliteStorage({ path });
    await storage.migrate();
    const fill = async () => {
      for (;;) await insert(storage, [newJob(++number, { envelope: `{"args":["${large}"]}` })]);
    };
    await expect(fill()).rejects.toThrow(/cannot grow/);
  }
  await using storage = sqliteStorage({ path });
  const { items } = await storage.jobs.list({ states: 0xff, limit: 10_000 });
  expect(items).toHaveLength(number - 1);
  expect(await countErrors(storage)).toEqual([]);
});
