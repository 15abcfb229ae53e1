import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ChangePoller } from '../../../../src/storage/sqlite/disk/change-poller.ts';
import { Connection } from '../../../../src/storage/sqlite/disk/connection.ts';
import { Wakes } from '../../../../src/storage/wakes.ts';
import { temporaryDirectory } from '../temporary.ts';

/** A poller on a file of its own, and another connection to that file, as another process has one. */
function open(mode: 'wal' | 'delete' = 'wal') {
  const file = join(temporaryDirectory(), 'jobs.db');
  const own = new Connection(file, 'NORMAL');
  own.execute(`PRAGMA journal_mode = ${mode}; CREATE TABLE numbers (n INTEGER)`);
  const other = new DatabaseSync(file);
  const wakes = new Wakes();
  const poller = new ChangePoller(own, wakes);
  const woken = vi.fn();
  poller.subscribe(woken);
  const polls = vi.spyOn(own, 'get');
  onTestFinished(() => {
    poller.close();
    wakes.close();
    other.close();
    own.close();
  });
  return { file, own, other, woken, polls };
}

/** Its pauses from 5 to 640 ms, and some of a busy machine. From then on it polls once a second. */
const restsAfterMs = 1_600;
const insert = 'INSERT INTO numbers VALUES (1)';

test('it polls while somebody writes, and rests while nobody does', async () => {
  const { own, other, woken, polls } = open();
  for (let round = 1; round <= 2; round++) {
    await pause(restsAfterMs);
    const before = polls.mock.calls.length;
    await pause(200);
    expect(polls.mock.calls.length).toBeLessThanOrEqual(before + 1);
    other.exec(insert);
    await vi.waitFor(() => expect(woken).toHaveBeenCalledTimes(round), { interval: 1 });
  }
  // An own commit is news to nobody.
  own.execute(insert);
  await pause(60);
  expect(woken).toHaveBeenCalledTimes(2);
  expect(polls.mock.calls.length).toBeLessThan(60);
});

test('it notices each of many commits at any distance from the last one', async () => {
  const { other, woken } = open();
  for (let round = 0; round < 120; round++) {
    woken.mockClear();
    other.exec(insert);
    await vi.waitFor(() => expect(woken).toHaveBeenCalled(), { interval: 1 });
    // The watch begins 20 ms after a change: some commits come just before, some just after.
    await pause(round % 40);
  }
});

test('it goes on after another process has cut the log', async () => {
  const { other, woken } = open();
  for (const _ of [1, 2]) {
    await pause(restsAfterMs);
    woken.mockClear();
    other.exec(`${insert}; PRAGMA wal_checkpoint(TRUNCATE)`);
    await vi.waitFor(() => expect(woken).toHaveBeenCalled(), { interval: 1 });
  }
});

test('it notices a commit where the file system reports no writes', async () => {
  const { watch } = fs;
  const replace = (replacement: typeof watch) => {
    fs.watch = replacement;
    syncBuiltinESMExports();
  };
  // It watches a file to which nobody writes.
  const quiet = join(temporaryDirectory(), 'quiet');
  fs.writeFileSync(quiet, '');
  replace(new Proxy(watch, { apply: (target, self, [, ...rest]) => Reflect.apply(target, self, [quiet, ...rest]) }));
  onTestFinished(() => replace(watch));
  const { other, woken } = open();
  await pause(restsAfterMs);
  other.exec(insert);
  await vi.waitFor(() => expect(woken).toHaveBeenCalled());
});

test('a file without a log is polled all the time', async () => {
  const { other, woken, polls } = open('delete');
  await pause(restsAfterMs);
  const before = polls.mock.calls.length;
  await vi.waitFor(() => expect(polls.mock.calls.length).toBeGreaterThan(before));
  other.exec(insert);
  await vi.waitFor(() => expect(woken).toHaveBeenCalled());
});
