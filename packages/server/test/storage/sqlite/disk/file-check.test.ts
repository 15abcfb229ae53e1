import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Engine } from '../../../../src/engine/engine.ts';
import { silentLog } from '../../../../src/engine/options.ts';
import { startServer } from '../../../../src/main.ts';
import { checkFile } from '../../../../src/storage/sqlite/disk/file-check.ts';
import { sqliteStorage } from '../../../../src/storage/sqlite/sqlite.ts';
import { call } from '../../../support/request.ts';
import { idOf, insert, newJob } from '../../suite/tools.ts';
import { temporaryDirectory } from '../temporary.ts';

/** A file with some hundred pages, closed. */
async function filled(): Promise<string> {
  const path = join(temporaryDirectory(), 'jobs.db');
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  const envelope = `{"args":["${'x'.repeat(2_000)}"]}`;
  await insert(
    storage,
    Array.from({ length: 1_000 }, (_, number) => newJob(number, { envelope })),
  );
  return path;
}

/** Overwrites a page in the middle. */
function damage(path: string): void {
  const file = openSync(path, 'r+');
  const middle = Math.floor(statSync(path).size / 8_192 / 2);
  writeSync(file, Buffer.alloc(8_192, 0xa5), 0, 8_192, middle * 8_192);
  closeSync(file);
}

test('finds a page that was overwritten in the middle of the file, while the storage works', async () => {
  const path = await filled();
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  expect(await storage.verify?.(new AbortController().signal)).toEqual({ problems: [], whole: true });
  damage(path);
  const verdict = await storage.verify?.(new AbortController().signal);
  expect(verdict?.problems.length).toBeGreaterThan(0);
  expect(verdict?.problems.length).toBeLessThanOrEqual(10);
  for (const problem of verdict?.problems ?? []) expect(problem).toContain(`${path} is damaged: `);
});

test('log and health name the damaged file; the server goes on', async () => {
  const path = await filled();
  damage(path);
  await using server = await startServer({ storage: `sqlite:${path}`, port: 0, log: false });
  await server.engine.storeHealth.verify();
  const health = await call(server.url, '/health', undefined, { method: 'GET' });
  const message = expect.stringContaining(`${path} is damaged: `);
  expect(health).toMatchObject({
    status: 200,
    body: { status: 'degraded', checks: { file: { status: 'fail', reason: 'damaged', message } } },
  });
});

test('ends when it is told to, when its time is over, and with the engine', async () => {
  const path = await filled();
  const stopped = new AbortController();
  const check = checkFile(path, stopped.signal, 60_000);
  stopped.abort();
  expect(await check).toEqual({ problems: [], whole: false });
  expect(await checkFile(path, new AbortController().signal, 1)).toEqual({ problems: [], whole: false });
  const lines: string[] = [];
  const note = (_: object, message: string) => void lines.push(message);
  const engine = await Engine.start({
    storage: sqliteStorage({ path }),
    log: { ...silentLog, info: note, warn: note, error: note },
  });
  const verified = engine.storeHealth.verify();
  await engine[Symbol.asyncDispose]();
  await verified;
  expect(lines).toEqual([]);
});

test('an error of a damaged page names the file', async () => {
  const path = await filled();
  damage(path);
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  const read = async () => {
    for (let number = 0; number < 1_000; number++) await storage.jobs.get([idOf(number)]);
  };
  await expect(read()).rejects.toThrow(`${path} is damaged: `);
});
