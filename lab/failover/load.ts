import { setTimeout as pause } from 'node:timers/promises';
import { uuidv7 } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import { Runs } from '../../packages/cli/test/support/load.ts';
import { type Child, freePort, serveOn } from '../../packages/cli/test/support/processes.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';

/** Callers of each queue, and the pause of each between two jobs: about 100 jobs a second and queue. */
const callers = 4;
const pauseMs = 40;
/** How long a caller waits for an answer before it sends the same job again. */
const answerMs = 5_000;
const sampleMs = 20;
/** Longer than any outage of the tests on a busy machine. */
const longestWaitMs = 180_000;

export interface LoadOptions {
  /** Queues, each with its own callers and worker. Default: one. */
  readonly queues?: readonly string[];
  /** Servers on the storage, which callers and workers use in turn. Default: 1. */
  readonly servers?: number;
  /** Variables of the servers. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a failover cost. */
export interface Figures {
  readonly acknowledged: number;
  /** Acknowledged jobs that the storage does not have as completed in the end. */
  readonly lost: readonly string[];
  /** Jobs that were started more than once. */
  readonly twice: readonly string[];
  readonly longestMs: number;
}

/**
 * Servers under load: callers enqueue jobs with ids of their own, and repeat a job until a server acknowledges it.
 * Workers run the jobs. Everything is noted that a failover may undo.
 */
export class Load implements AsyncDisposable {
  readonly urls: readonly string[];
  readonly servers: readonly Child[];
  /** Answers by status; `null` where none came. */
  readonly answers = new Map<number | null, number>();
  /** Acknowledged ids, with their queues and the moment (`performance.now()`). */
  readonly acknowledged = new Map<string, { readonly queue: string; readonly at: number }>();
  readonly runs = new Runs();
  readonly #from = performance.now();
  readonly #calling: Promise<void>[];
  #stopping = false;
  #workersStopped = false;

  private constructor(servers: readonly Child[], urls: readonly string[], queues: readonly string[]) {
    this.servers = servers;
    this.urls = urls;
    for (const [index, queue] of queues.entries()) this.runs.work(this.#url(index), queue);
    this.#calling = queues.flatMap((queue) => Array.from({ length: callers }, (_, index) => this.#call(queue, index)));
  }

  /** Resolves when each queue has its first acknowledgements, so that the load is under way. */
  static async start(storage: string, { queues = ['load'], servers = 1, env = {} }: LoadOptions = {}): Promise<Load> {
    const children: Child[] = [];
    const urls: string[] = [];
    // One after the other: the first creates the layout.
    for (let index = 0; index < servers; index++) {
      const port = await freePort();
      children.push(await serveOn(storage, port, env));
      urls.push(`http://127.0.0.1:${port}`);
    }
    const load = new Load(children, urls, queues);
    for (const queue of queues) await load.until(() => load.acksAfter(0, queue) >= 2 * callers);
    return load;
  }

  /** The lines that the servers have written to their logs. */
  get log(): readonly string[] {
    return this.servers.flatMap(({ errors }) => errors);
  }

  /** Rejects with the answers and the last lines of the logs, where the condition does not come true. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const until = performance.now() + longestWaitMs;
    while (!(await condition())) {
      if (performance.now() > until)
        throw new Error(
          `Nothing for ${longestWaitMs} ms; answers ${this.#answered()}; ${this.log.slice(-20).join('\n')}`,
        );
      await pause(sampleMs);
    }
  }

  /** Acknowledgements after a moment of `performance.now()`. */
  acksAfter(at: number, queue?: string): number {
    let count = 0;
    for (const ack of this.acknowledged.values()) if (ack.at > at && (queue ?? ack.queue) === ack.queue) count++;
    return count;
  }

  /** Resolves when, from now on, so many jobs are acknowledged; with the milliseconds until the first of them. */
  async goesOn(count = 400, queue?: string): Promise<number> {
    const from = performance.now();
    await this.until(() => this.acksAfter(from, queue) >= count);
    const [first = from] = [...this.acknowledged.values()]
      .filter((ack) => ack.at > from && (queue ?? ack.queue) === ack.queue)
      .map(({ at }) => at);
    return first - from;
  }

  /** The longest time without an acknowledgement since the start, in milliseconds. */
  longestMs(queue?: string): number {
    const times = [...this.acknowledged.values()]
      .filter((ack) => (queue ?? ack.queue) === ack.queue)
      .map(({ at }) => at);
    let longest = 0;
    let last = times[0] ?? this.#from;
    for (const at of [...times, performance.now()]) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    return longest;
  }

  /** The health answer of the first server. */
  async health(): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
    const response = await fetch(`${this.urls[0]}/ojs/v1/health`, { signal: AbortSignal.timeout(30_000) });
    return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
  }

  /** Waits until every acknowledged job that is left has run, ends everything, and counts in the storage at `target`. */
  async finish(name: string, target: string): Promise<Figures> {
    this.#stopping = true;
    await Promise.all(this.#calling);
    const longestMs = this.longestMs();
    await using storage = await openStorage(target);
    const ids = [...this.acknowledged.keys()];
    const lost = async () => {
      const records = await storage.jobs.get(ids);
      const isOpen = records.some((record) => record !== null && record.state !== State.completed);
      return isOpen ? null : ids.filter((_, index) => records[index] === null);
    };
    let gone = await lost();
    for (; gone === null; gone = await lost()) await pause(200);
    await this[Symbol.asyncDispose]();
    const { twice } = this.runs;
    const seconds = (longestMs / 1_000).toFixed(1);
    console.log(
      `${name}: ${ids.length} acknowledged, ${gone.length} of them lost, ${twice.length} run twice, ` +
        `${seconds} s without an acknowledgement at most; answers ${this.#answered()}`,
    );
    return { acknowledged: ids.length, lost: gone, twice, longestMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    if (!this.#workersStopped) {
      this.#workersStopped = true;
      await this.runs.stop();
    }
    for (const server of this.servers) await server.end('SIGKILL');
    await Promise.all(this.#calling);
  }

  #answered(): string {
    return [...this.answers].map(([status, count]) => `${status ?? 'none'}: ${count}`).join(', ');
  }

  #url(index: number): string {
    return this.urls[index % this.urls.length] ?? '';
  }

  async #call(queue: string, caller: number): Promise<void> {
    for (let number = caller; !this.#stopping; number++) {
      const id = uuidv7();
      // The next server, as a client behind a load balancer gets it.
      for (
        let attempt = 0;
        !this.#stopping && !(await this.#enqueue(this.#url(number + attempt), id, queue));
        attempt++
      )
        await pause(pauseMs);
      await pause(pauseMs);
    }
  }

  async #enqueue(url: string, id: string, queue: string): Promise<boolean> {
    const options = { queue, retry: { max_attempts: 20 } };
    const status = await fetch(`${url}/ojs/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id, type: 'load.job', args: [0], options }),
      signal: AbortSignal.timeout(answerMs),
    }).then(
      async (response) => {
        await response.text();
        return response.status;
      },
      () => null,
    );
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    // A duplicate of itself: the answer of an earlier attempt was lost.
    if (status !== 200 && status !== 201 && status !== 409) return false;
    this.acknowledged.set(id, { queue, at: performance.now() });
    return true;
  }
}
