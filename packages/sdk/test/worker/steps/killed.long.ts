// Two programs that wait for signals, whose worker dies once at each place between two of its calls.
import { type Answer, type Call, type CallContext, manualClock, type Transport } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { type Client, defineSignal, type JobContext, Worker } from '../../../src/index.ts';
import { openBench } from '../../support/bench.ts';
import { storages } from './stage.ts';

const day = 86_400_000;
const approval = defineSignal<{ approved: boolean }>('approval');

interface Program {
  readonly name: string;
  handler(context: JobContext, effect: (name: string) => void): Promise<string>;
  /** What happens while the job is suspended, in order. */
  readonly events: readonly ((client: Client, jobId: string) => number | Promise<unknown>)[];
  readonly effects: readonly string[];
  readonly result: string;
}

const programs: readonly Program[] = [
  {
    name: 'approval',
    async handler(ctx, effect) {
      await ctx.step('ask', () => effect('ask'));
      const answer = ctx.wait(approval, { timeout: '7d' });
      const late = ctx.sleep('two days', '2d').then(() => true);
      if (await Promise.race([answer.then(() => false), late])) await ctx.step('remind', () => effect('remind'));
      else effect('answered before the reminder');
      const decision = await answer;
      if (decision?.approved !== true) return decision === undefined ? 'expired' : 'rejected';
      await ctx.step('pay', () => effect('pay'));
      return 'paid';
    },
    events: [() => 2 * day, (client, id) => client.signal(id, approval, { approved: true }, { id: 'yes' })],
    effects: ['ask', 'remind', 'pay'],
    result: 'paid',
  },
  {
    name: 'drip',
    async handler(ctx, effect) {
      const left = ctx.wait<null>('left', { token: 'left:42' }).then(() => true);
      for (const mail of ['welcome', 'tips', 'offer']) {
        if (await Promise.race([left, ctx.sleep(`before ${mail}`, '1d').then(() => false)])) return 'left';
        await ctx.step(`mail ${mail}`, () => effect(mail));
      }
      return 'done';
    },
    events: [() => day, () => day, (client) => client.signalToken('left:42', null, { id: 'bye' })],
    effects: ['welcome', 'tips'],
    result: 'left',
  },
];

/** The way of a worker that dies before or after one of its calls: the server gets nothing more of it. */
class Mortal implements Transport {
  readonly #server: Transport;
  readonly #lastPlace: number;
  readonly #death = new AbortController();
  #places = 0;
  #watchers: (() => void)[] = [];

  constructor(server: Transport, lastPlace: number) {
    this.#server = server;
    this.#lastPlace = lastPlace;
  }

  get places(): number {
    return this.#places;
  }

  get isDead(): boolean {
    return this.#places > this.#lastPlace;
  }

  /** Resolves with the next call that begins or ends. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  async call(call: Call, context?: CallContext): Promise<Answer> {
    const counts = call.operation === 'worker.steps' || /"(acks|nacks)":\[\{/.test(call.body ?? '');
    try {
      if (counts) this.#pass();
      if (this.isDead) throw new Error('the worker is dead');
      // A fetch that is on its way would take the job again.
      const signals = [this.#death.signal, ...(context?.signal ? [context.signal] : [])];
      const answer = await this.#server.call(call, { ...context, signal: AbortSignal.any(signals) });
      if (counts) this.#pass();
      if (this.isDead) throw new Error('the worker is dead');
      return answer;
    } finally {
      for (const watcher of this.#watchers.splice(0)) watcher();
    }
  }

  #pass(): void {
    if (!this.isDead) this.#places++;
    if (this.isDead) this.#death.abort(new Error('the worker is dead'));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Runs the program to its end. @returns at how many places its worker could have died. */
async function run(program: Program, storage: string, lastPlace: number): Promise<number> {
  const clock = manualClock(Date.now());
  await using bench = await openBench({ clock }, storage);
  const { client, embedded } = bench;
  const job = await client.enqueue('test.job', [], { retry: { maxAttempts: 3, initialInterval: 1, jitter: false } });
  const effects: string[] = [];
  let way = new Mortal(embedded, lastPlace);
  const workers: Worker[] = [];
  const begin = () => {
    const options = { suspendAfter: 1, heartbeatInterval: 20, handleSignals: false, logger: bench.logger };
    const worker = new Worker(way, options);
    worker.register('test.job', (ctx) => program.handler(ctx, (name) => void effects.push(name)));
    workers.push(worker);
    void worker.start();
  };
  const due = async (ms: number) => {
    clock.advance(ms);
    await embedded.engine.upkeep.promote();
  };
  begin();
  const events = [...program.events];
  for (;;) {
    const next = way.next();
    const { state, raw, result } = await client.getJob(job.id);
    if (state === 'completed') {
      expect(result).toBe(program.result);
      break;
    }
    if (state === 'retryable' && raw.x_wait !== undefined) {
      const event = events.shift()?.(client, job.id);
      if (typeof event === 'number') await due(event + 1);
      else await event;
      if (event === undefined) break;
    } else if (way.isDead || (state === 'active' && raw.worker_id !== workers.at(-1)?.workerId)) {
      // A fetch of the dead worker that was on its way may have taken the job once more.
      const { isDead } = way;
      if (isDead) way = new Mortal(embedded, Number.POSITIVE_INFINITY);
      clock.advance(120_000);
      await embedded.engine.upkeep.settleOverdue();
      await due(1_000);
      if (isDead) begin();
    } else await next;
  }
  // A dead worker tries for seconds to say that it leaves.
  for (const worker of workers) void worker.stop({ timeout: 0 });
  expect((await client.getJob(job.id)).state).toBe('completed');
  expect([...new Set(effects)]).toEqual(program.effects);
  expect(effects.length).toBeLessThanOrEqual(program.effects.length + (lastPlace === Number.POSITIVE_INFINITY ? 0 : 1));
  return way.places;
}

describe.each(storages)('on %s', (storage) => {
  test.each(programs)(
    'the program $name ends alike, wherever its worker dies',
    async (program) => {
      const places = await run(program, storage, Number.POSITIVE_INFINITY);
      expect(places).toBeGreaterThan(6);
      for (let place = 0; place < places; place++) {
        console.log(program.name, place, places, Date.now());
        await run(program, storage, place);
      }
    },
    120_000,
  );
});
