import { historyOf, type JobRecord, State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { type Bench, bench } from '../support/engine.ts';
import { storages } from '../support/storages.ts';

const concurrency = 8;

/** A worker process as others write them: it runs what it gets, and knows nothing of suspects. */
class Process {
  static #started = 0;
  readonly #b: Bench;
  readonly #pid: number;
  readonly #pill: string;
  readonly #ran: Map<string, number>;
  readonly name: string;
  #jobs: readonly JobRecord[] = [];
  isDead = false;
  isNew = true;

  constructor(b: Bench, slot: number, pill: string, ran: Map<string, number>) {
    this.#b = b;
    this.#pid = slot * 1_000 + ++Process.#started;
    this.#pill = pill;
    this.#ran = ran;
    this.name = `w${this.#pid}`;
  }

  async beat(): Promise<void> {
    const info = JSON.stringify({ hostname: 'box', pid: this.#pid, queues: ['q'], concurrency });
    const holds = this.#jobs.map(({ id }) => ({ id, claim: null }));
    await this.#b.engine.protocol.beat({ worker: this.name, holds, leaseMs: null, state: 'running', info });
  }

  /** One second: fetches; the pill ends the process at once, the others have run by the next second. */
  async turn(): Promise<void> {
    this.isNew = false;
    for (const { id, claim } of this.#jobs)
      await this.#b.engine.protocol.settle({ kind: 'ack', id, claim, worker: this.name, result: null });
    this.#jobs = await this.#b.fetch({ worker: this.name, count: concurrency });
    for (const { id } of this.#jobs) this.#ran.set(id, (this.#ran.get(id) ?? 0) + 1);
    this.isDead = this.#jobs.some(({ id }) => id === this.#pill);
  }
}

describe.each(storages)('a job that ends its process, $name', ({ url }) => {
  test('with 10 attempts beside 20 jobs on two workers it is discarded after three deaths, and no other job is', async () => {
    await using b = await bench(url());
    const figures: string[] = [];
    for (let round = 0; round < 20; round++) {
      const ids: string[] = [];
      for (let index = 0; index < 21; index++) {
        const isPill = index === round;
        const maxAttempts = isPill ? 10 : index % 2 === 0 ? 1 : 3;
        ids.push(await b.push({ retry: { maxAttempts }, visibilityMs: round % 2 === 0 ? 30_000 : 10_000 }));
      }
      const pill = ids[round] ?? '';
      const ran = new Map<string, number>();
      const slots = [1, 2].map((slot) => new Process(b, slot, pill, ran));
      let deaths = 0;
      const hasEnded = async () => (await b.engine.storage.jobs.get(ids)).every((job) => job?.finishedAt !== null);
      for (let second = 0; second < 300 && !(await hasEnded()); second++) {
        for (const [slot, process] of slots.entries()) {
          if (process.isDead) {
            deaths++;
            slots[slot] = new Process(b, slot + 1, pill, ran);
          } else {
            if (second % 5 === 0 || process.isNew) await process.beat();
            await process.turn();
          }
        }
        b.clock.advance(1_000);
        await b.engine.upkeep.promote();
        await b.engine.upkeep.settleOverdue();
        await b.engine.upkeep.settleLiveness();
      }
      const found = await b.engine.storage.jobs.get(ids);
      const guilty = found.find((job) => job?.id === pill);
      expect(guilty).toMatchObject({ state: State.discarded, deadLetter: true });
      expect(found.filter((job) => job?.id !== pill).map((job) => job?.state)).toEqual(
        Array.from({ length: 20 }, () => State.completed),
      );
      const [last] = historyOf({ history: guilty?.history ?? '' }).slice(-1);
      expect(last).toMatchObject({ error: { code: 'poison_pill', details: { deaths: 3, hostname: 'box' } } });
      expect({ deaths, runs: ran.get(pill) }).toEqual({ deaths: 3, runs: 3 });
      const others = ids.filter((id) => id !== pill).map((id) => ran.get(id) ?? 0);
      figures.push(`${Math.max(...others)}/${others.reduce((sum, one) => sum + one, 0)}`);
    }
    console.info(`runs of innocent jobs, the most of one/of all 20: ${figures.join(' ')}`);
  });

  test('a worker that dies a second after its fetch costs no attempt, and one that is heard again does', async () => {
    await using b = await bench(url());
    const patch = { retry: { maxAttempts: 1 }, visibilityMs: 30_000 };
    const ids = [await b.push(patch), await b.push(patch)];
    const states = async (of = ids) => (await b.engine.storage.jobs.get(of)).map((job) => job?.state);
    await b.fetch({ worker: 'w1', count: 2 });
    b.clock.advance(1_000);
    // Built before the answer to the fetch came, so the lease ends before the worker counts as dead.
    await b.beat('w1', []);
    b.clock.advance(29_999);
    await b.engine.upkeep.settleOverdue();
    expect(await states()).toEqual([State.active, State.active]);
    b.clock.advance(1);
    await b.engine.upkeep.settleOverdue();
    for (const job of await b.engine.storage.jobs.get(ids)) {
      expect(job).toMatchObject({ state: State.available, attempt: 0 });
      expect(historyOf({ history: job?.history ?? '' })).toMatchObject([{ reason: 'worker_death', beside: 1 }]);
    }

    const others = [await b.start('w2', patch), await b.start('w2', patch)].map(({ id }) => id);
    b.clock.advance(1_000);
    await b.beat('w2', []);
    b.clock.advance(29_500);
    await b.engine.upkeep.settleOverdue();
    expect(await states(others)).toEqual([State.active, State.active]);
    await b.beat('w2', others.slice(1));
    await b.engine.upkeep.settleOverdue();
    expect(await states(others)).toEqual([State.discarded, State.active]);
  });

  test('a worker whose heartbeats are further apart than its leases loses attempts, not itself', async () => {
    await using b = await bench(url());
    const ids = [await b.push({ visibilityMs: 400 }), await b.push({ visibilityMs: 400 })];
    for (let beat = 0; beat < 2; beat++) {
      await b.beat('w1', []);
      b.clock.advance(3_000);
    }
    await b.beat('w1', []);
    await b.fetch({ worker: 'w1', count: 2 });
    b.clock.advance(1_000);
    await b.engine.upkeep.settleOverdue();
    for (const job of await b.engine.storage.jobs.get(ids)) {
      expect(job).toMatchObject({ state: State.available, attempt: 1 });
      expect(historyOf({ history: job?.history ?? '' })).toMatchObject([
        { kind: 'failed', by: 'server', error: { type: 'visibility_timeout' } },
      ]);
    }
    b.clock.advance(1_000);
    await b.fetch({ worker: 'w1', count: 2 });
    b.clock.advance(4_000);
    await b.engine.upkeep.settleOverdue();
    for (const job of await b.engine.storage.jobs.get(ids))
      expect(historyOf({ history: job?.history ?? '' }).at(-1)).toMatchObject({ reason: 'worker_death', beside: 1 });
  });
});
