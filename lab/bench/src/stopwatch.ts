import { treeCpuUs } from './process.ts';
import type { Rate, Task } from './task.ts';

interface Reading {
  readonly ms: number;
  /** Microseconds of this process, the servers' and the store's; NaN where there is none. */
  readonly own: number;
  readonly server: number;
  readonly store: number;
}

/** Clock and CPU time of a part of a run, in this process, in the servers' and in the store's. */
export class Stopwatch {
  readonly #servers: readonly number[];
  readonly #store: number | null;
  #from: Reading | undefined;
  #lapMs: number | undefined;

  /** The processes of the task are those whose time counts. */
  constructor({ target, storePid }: Pick<Task, 'target' | 'storePid'>) {
    this.#servers = 'url' in target ? [target, ...(target.others ?? [])].map(({ pid }) => pid) : [];
    this.#store = storePid ?? null;
  }

  /** Only the first call counts. */
  start(): void {
    this.#from ??= this.#read();
  }

  /** Ends the clock; CPU time counts until {@link stop}. */
  lap(): void {
    this.#lapMs = performance.now();
  }

  stop(jobs: number): Rate {
    const to = this.#read();
    const from = this.#from;
    if (from === undefined) throw new Error('a stopwatch that was not started');
    const part = (name: 'server' | 'store') => {
      const us = (to[name] - from[name]) / jobs;
      return Number.isNaN(us) ? {} : { [name]: us };
    };
    return {
      kind: 'rate',
      jobsPerSecond: (jobs / ((this.#lapMs ?? to.ms) - from.ms)) * 1_000,
      cpu: { own: (to.own - from.own) / jobs, ...part('server'), ...part('store') },
    };
  }

  #read(): Reading {
    const { user, system } = process.cpuUsage();
    const servers = this.#servers.map(treeCpuUs);
    return {
      own: user + system,
      server: servers.length === 0 ? Number.NaN : servers.reduce((sum, us) => sum + us),
      store: this.#store === null ? Number.NaN : treeCpuUs(this.#store),
      ms: performance.now(),
    };
  }
}
