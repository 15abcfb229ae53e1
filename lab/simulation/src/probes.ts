import { uuidv7 } from '@ojs-ts/core';
import type { Cluster } from './cluster.ts';
import { probeCron, probeQueue } from './history/final.ts';
import type { ClientProcess } from './nodes/client.ts';
import { WorkerProcess } from './nodes/worker.ts';
import type { Node } from './world/world.ts';

/** Leases that outlast every probe: a job that comes back has not waited for its lease. */
const leaseMs = 90_000;
const heartbeatMs = 1_000;
/**
 * A server looks for dead workers and forgotten claims every 2 s, and a lease of the store may hold that up for 6 s.
 */
const livenessMs = 8_000;
/** Two heartbeats and a look for forgotten claims, mostly; a worker asks again for an answer that takes 10 s. */
const slowMs = 9_000;
/** A call of the store that stalls may hold up a server for so long after the calm. */
const stalledMs = 25_000;
/** Promotion every 100 ms, a few ways to the store and back. */
const soonMs = 250;

/**
 * Checks with time bounds, in a healthy world after the calm: what is only late, and not wrong, breaks no other rule.
 */
export class Probes {
  readonly #cluster: Cluster;
  readonly #delivered = new Map<string, { readonly at: number; readonly node: Node }[]>();

  /** Each probe has a queue of its own: what one leaves behind does not disturb the next. */
  #queue = '';

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    cluster.context.recorder.onDelivered = (job, node) => {
      const before = this.#delivered.get(job) ?? [];
      before.push({ at: cluster.context.world.now, node });
      this.#delivered.set(job, before);
    };
  }

  async run(): Promise<void> {
    const { network, recorder, world } = this.#cluster.context;
    network.storeScale = 1;
    // The time of a server may stand still until it follows a step back.
    await world.run(Math.max(world.now, recorder.timeIsRightAt));
    await this.#wait(stalledMs);
    const probes = { prompt: this.#promptly, repeated: this.#repeated, slow: this.#slow, forgotten: this.#forgotten };
    const later = { dead: this.#dead, ticks: this.#ticks, restarted: this.#restarted, filtered: this.#filtered };
    for (const [name, probe] of Object.entries({ ...probes, ...later })) {
      this.#queue = `${probeQueue}${name}`;
      await probe.call(this);
    }
  }

  /** Waiting jobs are claimed at once, scheduled ones when they are due: promotion is at most 200 ms late. */
  async #promptly(): Promise<void> {
    const worker = this.#worker('p0');
    await this.#wait(3_000);
    await this.#soon([0, 0, 0, 0, 0, 0], 'a waiting job is claimed while a worker waits');
    await this.#soon([310, 450, 590, 730, 870, 1010], 'a scheduled job is claimed when it is due');
    worker.crash();
  }

  /**
   * Jobs with these delays are claimed at once, but for one that the network may make late. A fetch that nobody wakes
   * asks again after 1 s, so a single job says little.
   */
  async #soon(delays: readonly number[], why: string): Promise<void> {
    const { world } = this.#cluster.context;
    const late: string[] = [];
    for (const [index, delay] of delays.entries()) {
      await this.#wait(200 + 130 * index);
      const job = await this.#enqueue(20, delay);
      const due = world.now + delay;
      await this.#expect(job, delay + 2_500, why);
      const [first] = this.#delivered.get(job) ?? [];
      if (first !== undefined && first.at - due > soonMs) late.push(`${job} ${Math.round(first.at - due)} ms`);
    }
    if (late.length > 1) this.#broken('', `${late.length} of ${delays.length} jobs were late (${late}): ${why}`);
  }

  /** The answer to a fetch is lost: the repeated fetch brings the same claims. */
  async #repeated(): Promise<void> {
    const worker = this.#worker('p1');
    await this.#wait(3_000);
    const { isLost } = this.#loseAnswer(worker, 1);
    const job = await this.#enqueue(100);
    await this.#until(isLost, 5_000);
    await this.#expect(job, 2_500, 'a repeated fetch brings the jobs of the lost answer');
    await this.#wait(500);
    worker.crash();
  }

  /** The answer to a fetch is slow on its way: heartbeats meanwhile do not give its jobs to another worker. */
  async #slow(): Promise<void> {
    const worker = this.#worker('p8');
    await this.#wait(3_000);
    let isHeld = false;
    worker.transport.intercept = (_, { text }) => {
      if (isHeld || !text.includes('"x_lease"')) return false;
      isHeld = true;
      return slowMs;
    };
    const job = await this.#enqueue(100);
    await this.#until(() => isHeld, 5_000);
    const other = this.#worker('p9');
    await this.#expect(job, slowMs + 2_500, 'the answer to a fetch is slow on its way');
    await this.#wait(1_000);
    const [first, ...more] = (this.#delivered.get(job) ?? []).map(({ node }) => node.name);
    if (first !== undefined && (first !== worker.node.name || more.length > 0))
      this.#broken(job, `went to ${[first, ...more]}, while an answer with it was on its way to ${worker.node.name}`);
    worker.crash();
    other.crash();
  }

  /** The answer is lost, and the worker asks no more: two heartbeats after a pass has found the job give it back. */
  async #forgotten(): Promise<void> {
    const worker = this.#worker('p2');
    await this.#wait(3_000);
    const { isLost } = this.#loseAnswer(worker, Number.POSITIVE_INFINITY, () => worker.worker.quiet());
    const job = await this.#enqueue(100);
    await this.#until(isLost, 5_000);
    const other = this.#worker('p3');
    await this.#expect(
      job,
      livenessMs + 2 * heartbeatMs + 2_000 + 2_000 + 1_000,
      'a job that two heartbeats do not list goes back',
    );
    await this.#wait(1_000);
    worker.crash();
    other.crash();
  }

  /** A worker dies with a job: another has the job when the silence has lasted. */
  async #dead(): Promise<void> {
    const { deadAfterMs } = this.#cluster.context.parameters;
    const worker = this.#worker('p4');
    await this.#wait(3_000);
    const job = await this.#enqueue(2 * deadAfterMs);
    await this.#until(() => this.#delivered.has(job), 5_000);
    await this.#wait(2 * heartbeatMs);
    worker.crash();
    const other = this.#worker('p5');
    // A lost claim is a failed attempt: the job waits for its backoff as well.
    await this.#expect(job, deadAfterMs + livenessMs + 3_000, 'a job of a dead worker goes back');
    await this.#wait(2 * deadAfterMs + 1_000);
    other.crash();
  }

  /** Every tick of a cron fires. The checker judges; a clock that has jumped says too little of when ticks are due. */
  async #ticks(): Promise<void> {
    const { recorder, store, world } = this.#cluster.context;
    const { client, node } = this.#client();
    if (recorder.timeIsRightAt > 0) return;
    const args = [{ holdMs: 10 }];
    const options = { queue: this.#queue, overlapPolicy: 'allow' } as const;
    await world.settle(node.run(() => client.registerCronJob(probeCron, '*/2 * * * * *', 'job.cron', args, options)));
    const from = store.node.wall() + 500;
    await this.#wait(10_000);
    const to = store.node.wall() - 2_000;
    await world.settle(node.run(() => client.unregisterCronJob(probeCron)));
    const ticks: string[] = [];
    for (let at = Math.ceil(from / 2_000) * 2_000; at <= to; at += 2_000) ticks.push(new Date(at).toISOString());
    recorder.call(node.name, 'cron', { cron: probeCron, ticks })('done');
  }

  /** All servers were away: a worker that could not be heard meanwhile keeps its job. */
  async #restarted(): Promise<void> {
    const { servers, context } = this.#cluster;
    const { deadAfterMs } = context.parameters;
    const worker = this.#worker('p6');
    await this.#wait(3_000);
    const job = await this.#enqueue(4 * deadAfterMs);
    await this.#until(() => this.#delivered.has(job), 5_000);
    await this.#wait(2 * heartbeatMs);
    for (const server of servers) server.crash();
    await this.#wait(1.5 * deadAfterMs);
    const pairs = servers.map(({ name }) => `${worker.name} ${name}`);
    for (const pair of pairs) context.network.cuts.add(pair);
    for (const server of servers) server.start();
    await this.#wait(0.75 * deadAfterMs);
    for (const pair of pairs) context.network.cuts.delete(pair);
    const other = this.#worker('p7');
    await this.#wait(3 * deadAfterMs);
    const claims = this.#delivered.get(job)?.length ?? 0;
    if (claims !== 1) this.#broken(job, `was handed out ${claims} times; its worker lived while the servers were away`);
    worker.crash();
    other.crash();
  }

  /** A follower of a rare kind comes back: it gets what happened meanwhile, whatever else is in the log. */
  async #filtered(): Promise<void> {
    const { client, node } = this.#client();
    const seen: string[] = [];
    const follow = async (after: string | null) => {
      const signal = AbortSignal.timeout(6_000);
      const options = { types: ['queue.paused'], queue: this.#queue, signal, ...(after !== null && { after }) };
      for await (const { id } of client.events(options)) if (id !== undefined && seen.push(id) > 0) return;
    };
    const pause = async () => {
      await client.pauseQueue(this.#queue);
      await client.resumeQueue(this.#queue);
    };
    const { world } = this.#cluster.context;
    const first = node.run(() => follow(null)).catch(() => {});
    await this.#wait(1_000);
    await world.settle(node.run(pause));
    await world.settle(first);
    await this.#enqueue(20);
    await world.settle(node.run(pause));
    const [after] = seen;
    if (after !== undefined) await world.settle(node.run(() => follow(after)).catch(() => {}));
    if (seen.length !== 2) this.#broken('', `${seen.length} of 2 pauses were told: a follower comes back`);
  }

  #worker(name: string): WorkerProcess {
    return new WorkerProcess(
      this.#cluster.context,
      name,
      { queues: [this.#queue], concurrency: 2, leaseMs, heartbeatMs },
      () => {},
    );
  }

  #loseAnswer({ transport, node }: WorkerProcess, times: number, then = () => {}): { isLost: () => boolean } {
    let lost = 0;
    transport.intercept = (_, { text }) => {
      if (lost >= times || !text.includes('"x_lease"')) return false;
      if (lost++ === 0) node.run(then);
      return true;
    };
    return { isLost: () => lost > 0 };
  }

  async #enqueue(holdMs: number, delay = 0): Promise<string> {
    const { context } = this.#cluster;
    const process = this.#client();
    const id = process.node.run(() => uuidv7());
    // The bounds of a probe are for a clock that is right.
    process.node.skew = context.store.node.skew;
    const enqueued = process.node.run(() =>
      process.client.enqueue('job.plain', [{ holdMs }], {
        id,
        queue: this.#queue,
        retry: { initialInterval: 100, jitter: false },
        ...(delay > 0 && { delay }),
      }),
    );
    await context.world.settle(enqueued);
    return id;
  }

  #client(): ClientProcess {
    const [process] = this.#cluster.clients;
    if (process === undefined) throw new Error('There is no client.');
    return process;
  }

  #wait(ms: number): Promise<void> {
    const { world } = this.#cluster.context;
    return world.run(world.now + ms);
  }

  async #until(isMet: () => boolean, ms: number): Promise<void> {
    const { world } = this.#cluster.context;
    const by = world.now + ms;
    while (!isMet() && world.now < by) await this.#wait(50);
  }

  /** The job is delivered from now on within `ms`. */
  async #expect(job: string, ms: number, why: string): Promise<void> {
    const { world } = this.#cluster.context;
    const from = world.now;
    const isMet = () => this.#delivered.get(job)?.some(({ at }) => at >= from - 1_000) ?? false;
    await this.#until(isMet, ms);
    if (!isMet()) this.#broken(job, `was not delivered between ${from} and ${from + ms}: ${why}`);
  }

  #broken(job: string, message: string): void {
    this.#cluster.context.problems.push({ rule: 'time', job, message });
  }
}
