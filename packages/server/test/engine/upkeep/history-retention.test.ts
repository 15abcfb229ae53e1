import { type ManualClock, manualClock } from '@ojs-ts/core';
import { historyOf, recordOf, State } from '@ojs-ts/core/job';
import { cancelled, type HistoryOptions, historyPolicy } from '@ojs-ts/core/lifecycle';
import { serverOptions, withDefaults } from '@ojs-ts/core/options';
import { describe, expect, test, vi } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Documents } from '../../../src/engine/documents.ts';
import { HistoryRetention } from '../../../src/engine/upkeep/history-retention.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { type Bench, bench, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** Completed at its second start. */
async function completed(b: Bench, patch: Parameters<Bench['push']>[0]): Promise<string> {
  const { id, queue, claim } = await b.start(null, patch);
  await b.engine.protocol.settle({ id, claim, worker: null, kind: 'requeue', reason: 'not now', delayMs: 0 });
  const [again] = await b.fetch({ queues: [queue] });
  await b.engine.protocol.settle({ id, claim: again?.claim ?? 0, worker: null, kind: 'ack', result: null });
  return id;
}

async function failed(b: Bench, response: 'DISCARD' | 'DEAD_LETTER'): Promise<string> {
  const { id, claim } = await b.start(null);
  const failure = { code: 'c', type: 't', message: 'a name', names: ['t'], response };
  await b.engine.protocol.settle({ id, claim, worker: null, kind: 'fail', failure });
  return id;
}

describe.each(storages)('the retention of histories on $name', ({ url }) => {
  test('upkeep deletes the past of ended jobs by queue, type and state', async () => {
    const rules = ['queue=mail,state=completed:1d', 'type=keep.*:6d', 'state=discarded:2d'];
    await using b = await bench(url(), { history: { rules, retentionDays: 4 } });
    const jobs = {
      mail: await completed(b, { queue: 'mail' }),
      plain: await completed(b, {}),
      keep: await completed(b, { type: 'keep.this' }),
      discarded: await failed(b, 'DISCARD'),
      letter: await failed(b, 'DEAD_LETTER'),
      cancelled: await b.push(),
    };
    await b.engine.lifecycle.cancel(jobs.cancelled, null);
    // A round of upkeep has a bound in real time, so a busy machine needs several.
    const left = async () => {
      await b.engine.upkeep.run();
      const records = await b.engine.storage.jobs.get(Object.values(jobs));
      return Object.keys(jobs).filter((_, index) => {
        const record = records[index];
        return record && historyOf(record).every(({ kind }) => kind !== 'purged');
      });
    };
    const all = Object.keys(jobs);
    for (const [days, names] of [
      [1, all],
      [0.1, all.filter((name) => name !== 'mail')],
      [1, ['plain', 'keep', 'letter', 'cancelled']],
      [2, ['keep', 'letter']],
      [2, ['letter']],
    ] as const) {
      b.clock.advance(days * day);
      await expect.poll(left).toEqual(names);
    }
    const mail = await b.get(jobs.mail);
    expect([mail.state, mail.finishedAt, historyOf(mail)]).toMatchObject([
      State.completed,
      b.clock.now() - 6.1 * day,
      [{ kind: 'purged', by: 'server' }],
    ]);
  });
});

/** Histories of a memory storage, and the reads that their retention makes of it. */
class Kept implements AsyncDisposable {
  readonly storage: Storage;
  readonly clock: ManualClock = manualClock(Date.UTC(2026, 0, 1));
  readonly list;

  private constructor(storage: Storage) {
    this.storage = storage;
    this.list = vi.spyOn(storage.jobs, 'list');
  }

  static async open(): Promise<Kept> {
    return new Kept(await openStorage('memory:'));
  }

  retention(options: Partial<HistoryOptions>): HistoryRetention {
    return new HistoryRetention(
      this.storage,
      this.clock,
      historyPolicy(options),
      withDefaults(serverOptions.engine.retention, {}),
    );
  }

  /** Jobs that end now. */
  async cancel(count: number, deadLetter = false): Promise<readonly string[]> {
    const now = this.clock.now();
    const jobs = Array.from({ length: count }, () => newJob(now));
    await this.storage.jobs.insert([jobs], now);
    const to = deadLetter ? { to: State.discarded, deadLetter } : {};
    await this.storage.jobs.transition(
      jobs.map((job) => ({ ...cancelled(recordOf(job), now), ...to })),
      now,
    );
    return jobs.map(({ id }) => id);
  }

  async deleted(ids: readonly string[]): Promise<number> {
    const jobs = await this.storage.jobs.get(ids);
    return jobs.filter((job) => job !== null && historyOf(job).some(({ kind }) => kind === 'purged')).length;
  }

  /** Reads since the last call. */
  reads(): number {
    const { length } = this.list.mock.calls;
    this.list.mockClear();
    return length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
  }
}

const aDay = { rules: ['state=cancelled:1d'] };
const never = () => false;
const it = testWith(() => Kept.open());

it('a backlog is deleted page by page; each job is read once, and jobs that stay are not read for an hour', async (kept) => {
  const retention = kept.retention(aDay);
  const first = await kept.cancel(300);
  kept.clock.advance(day / 2);
  const second = await kept.cancel(150);
  kept.clock.advance(day / 2 + 1);
  await retention.run(() => true);
  expect(kept.reads()).toBe(0);
  await retention.run(never);
  expect([kept.reads(), await kept.deleted(first), await kept.deleted(second)]).toEqual([2, 300, 0]);
  await retention.run(never);
  expect(kept.reads()).toBe(0);
  kept.clock.advance(hour);
  await retention.run(never);
  expect(kept.reads()).toBe(1);
  kept.clock.advance(day / 2);
  await retention.run(never);
  expect([kept.reads(), await kept.deleted(second)]).toEqual([2, 150]);

  // Another node goes on behind what was read; with other rules it begins again.
  await kept.retention(aDay).run(never);
  expect(kept.list.mock.calls.map(([{ after }]) => typeof after)).toEqual(['string']);
  kept.reads();
  await kept.retention({ rules: [...aDay.rules, 'queue=x:2d'] }).run(never);
  expect(kept.list.mock.calls[0]?.[0].after).toBeUndefined();
});

it('a cursor of another storage is left, and the walk begins again', async (kept) => {
  const retention = kept.retention(aDay);
  const jobs = await kept.cancel(300);
  kept.clock.advance(day + 1);
  await retention.run(never);
  const documents = new Documents(kept.storage.records);
  const document = await documents.get('retention', 'history');
  const body = document?.body.replace(/("cancelled \d+":)"[^"]*"/, '$1"m-_-"') ?? '';
  expect(body).toContain('m-_-');
  await documents.put('retention', 'history', body, document?.version ?? null, kept.clock.now());
  const more = await kept.cancel(1);
  kept.clock.advance(day + hour);
  await retention.run(never);
  expect(await kept.deleted([...jobs, ...more])).toBe(301);
});

it('with the default settings nothing is read', async (kept) => {
  const get = vi.spyOn(kept.storage.records, 'get');
  await kept.cancel(1);
  kept.clock.advance(40 * day);
  await kept.retention({}).run(never);
  expect([kept.reads(), get.mock.calls.length]).toEqual([0, 0]);
});

it('a job that is started again between the read and the change keeps its past', async (kept) => {
  const [id = ''] = await kept.cancel(1, true);
  kept.clock.advance(2 * day);
  const { jobs } = kept.storage;
  const read = jobs.list.bind(jobs);
  kept.list.mockRestore();
  vi.spyOn(jobs, 'list').mockImplementationOnce(async (query) => {
    const page = await read(query);
    const again = { id, from: State.discarded, to: State.available, deadLetter: false, events: [] } as const;
    await jobs.transition([again], kept.clock.now());
    return page;
  });
  await kept.retention({ rules: ['state=dead_letter:1d'] }).run(never);
  const [job] = await jobs.get([id]);
  expect([job?.state, await kept.deleted([id])]).toEqual([State.available, 0]);
});
