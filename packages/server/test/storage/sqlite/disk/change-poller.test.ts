import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, type TestContext, test, vi } from 'vitest';
import { ChangePoller } from '../../../../src/storage/sqlite/disk/change-poller.ts';
import { Connection } from '../../../../src/storage/sqlite/disk/connection.ts';
import { Wakes } from '../../../../src/storage/wakes.ts';
import { temporaryDirectory } from '../temporary.ts';

/**
 * A poller on a file of its own, and another connection to that file, as another process has one. What happens is
 * counted without spies of Vitest: the end of one test clears those of the tests beside it.
 */
function open({ onTestFinished }: TestContext, mode: 'wal' | 'delete' = 'wal') {
  const file = join(temporaryDirectory(onTestFinished), 'jobs.db');
  const own = new Connection(file, 'NORMAL');
  own.execute(`PRAGMA journal_mode = ${mode}; CREATE TABLE numbers (n INTEGER)`);
  const other = new DatabaseSync(file);
  const wakes = new Wakes();
  const poller = new ChangePoller(own, wakes);
  const counts = { woken: 0, polls: 0 };
  poller.subscribe(() => {
    counts.woken += 1;
  });
  const value = own.value.bind(own);
  own.value = (...args) => {
    counts.polls += 1;
    return value(...args);
  };
  onTestFinished(() => {
    poller.close();
    wakes.close();
    other.close();
    own.close();
  });
  return { own, other, counts };
}

/** Its pauses from 5 to 640 ms, and some of a busy machine. From then on it polls once a second. */
const restsAfterMs = 1_600;
const insert = 'INSERT INTO numbers VALUES (1)';

test.concurrent('it polls while somebody writes, and rests while nobody does', async (context) => {
  const { own, other, counts } = open(context);
  for (let round = 1; round <= 2; round++) {
    await pause(restsAfterMs);
    const before = counts.polls;
    await pause(200);
    expect(counts.polls).toBeLessThanOrEqual(before + 1);
    other.exec(insert);
    await vi.waitFor(() => expect(counts.woken).toBe(round), { interval: 1, timeout: 60_000 });
  }
  // An own commit is news to nobody.
  own.execute(insert);
  await pause(60);
  expect(counts.woken).toBe(2);
  expect(counts.polls).toBeLessThan(60);
});

test.concurrent('it notices each of many commits at any distance from the last one', async (context) => {
  const { other, counts } = open(context);
  for (let round = 0; round < 120; round++) {
    const before = counts.woken;
    other.exec(insert);
    await vi.waitFor(() => expect(counts.woken).toBeGreaterThan(before), { interval: 1, timeout: 60_000 });
    // The watch begins 20 ms after a change: some commits come just before, some just after.
    await pause(round % 40);
  }
});

test.concurrent('it goes on after another process has cut the log', async (context) => {
  const { other, counts } = open(context);
  for (const _ of [1, 2]) {
    await pause(restsAfterMs);
    const before = counts.woken;
    other.exec(`${insert}; PRAGMA wal_checkpoint(TRUNCATE)`);
    await vi.waitFor(() => expect(counts.woken).toBeGreaterThan(before), { interval: 1, timeout: 60_000 });
  }
});

test.concurrent('a file without a log is polled all the time', async (context) => {
  const { other, counts } = open(context, 'delete');
  await pause(restsAfterMs);
  const before = counts.polls;
  await vi.waitFor(() => expect(counts.polls).toBeGreaterThan(before), 60_000);
  other.exec(insert);
  await vi.waitFor(() => expect(counts.woken).toBeGreaterThan(0), 60_000);
});

// After the others: it replaces a function of Node for all.
test('it notices a commit where the file system reports no writes', async (context) => {
  const { watch } = fs;
  const replace = (replacement: typeof watch) => {
    fs.watch = replacement;
    syncBuiltinESMExports();
  };
  // It watches a file to which nobody writes.
  const quiet = join(temporaryDirectory(), 'quiet');
  fs.writeFileSync(quiet, '');
  replace(new Proxy(watch, { apply: (target, self, [, ...rest]) => Reflect.apply(target, self, [quiet, ...rest]) }));
  context.onTestFinished(() => replace(watch));
  const { other, counts } = open(context);
  await pause(restsAfterMs);
  other.exec(insert);
  await vi.waitFor(() => expect(counts.woken).toBeGreaterThan(0), 60_000);
});
