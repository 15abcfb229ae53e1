import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { sqliteStorage } from '../../../../src/storage/sqlite/sqlite.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { survivesFullness } from '../../../support/full-store.ts';
import { mayMount, onSmallDisk, smallDisk } from '../../../support/small-disk.ts';
import { countErrors, get, idOf, insert, newJob, t0 } from '../../suite/tools.ts';
import { temporaryDirectory } from '../temporary.ts';

const large = 'x'.repeat(20_000);

test('a full file rejects writes with StoreUnavailable and keeps nothing of them; reads go on', async () => {
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

test.skipIf(process.platform === 'win32')('a storage that starts where its files cannot grow says so', () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  const module = JSON.stringify(new URL('../../../../src/storage/sqlite/sqlite.ts', import.meta.url).href);
  const program = `const { sqliteStorage } = await import(${module});
    await sqliteStorage({ path: ${JSON.stringify(path)} }).migrate().catch(({ name, reason, message }) => {
      console.log(JSON.stringify({ name, reason, message }));
    });`;
  // Blocks of 512 or 1,024 bytes: less than the layout takes.
  const limited = ['-c', 'ulimit -f 100 && exec "$0" --input-type=module -e "$1"', process.execPath, program];
  expect(JSON.parse(execFileSync('sh', limited, { encoding: 'utf8' }))).toEqual({
    name: 'StoreUnwritable',
    reason: 'io_error',
    message: `${path} cannot grow: the disk refuses to write.`,
  });
});

test.skipIf(!mayMount)(onSmallDisk('a storage that starts on a full disk says so'), async () => {
  const disk = smallDisk(2);
  const path = join(disk.path, 'jobs.db');
  await using storage = sqliteStorage({ path });
  disk.fill(200_000);
  await expect(storage.migrate()).rejects.toThrow(`${path} cannot grow: the disk is full.`);
  disk.free();
  await storage.migrate();
});

test.skipIf(!mayMount)(
  onSmallDisk('a server on a full disk answers 503 with Retry-After, reads, and goes on when there is room'),
  async () => {
    const disk = smallDisk(12);
    await survivesFullness(`sqlite:${join(disk.path, 'jobs.db')}`, disk);
  },
);

test.skipIf(!mayMount)(
  onSmallDisk('a storage is closed on a full disk without an error, and is there again with all that it answered'),
  async () => {
    const disk = smallDisk(8);
    const path = join(disk.path, 'jobs.db');
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
  },
);
