import { cpuMs } from './process.ts';
import type { Rate } from './task.ts';

/** Clock and CPU time of a part of a run, in this process and in the server's. */
export class Stopwatch {
  readonly #server: number | undefined;
  #from = Number.NaN;
  #cpu: NodeJS.CpuUsage | undefined;
  #serverMs = Number.NaN;

  /** @param server Its process, where the engine is not in this one. */
  constructor(server?: number) {
    this.#server = server;
  }

  start(): void {
    this.#serverMs = this.#server === undefined ? Number.NaN : cpuMs(this.#server);
    this.#cpu = process.cpuUsage();
    this.#from = performance.now();
  }

  stop(jobs: number): Rate {
    const ms = performance.now() - this.#from;
    const { user, system } = process.cpuUsage(this.#cpu);
    const cpu = { own: (user + system) / jobs };
    return {
      kind: 'rate',
      jobsPerSecond: (jobs / ms) * 1_000,
      cpu:
        this.#server === undefined ? cpu : { ...cpu, server: ((cpuMs(this.#server) - this.#serverMs) / jobs) * 1_000 },
    };
  }
}
