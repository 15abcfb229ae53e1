import { basename, relative } from 'node:path';
import { say } from '../output/speakers.ts';
import { SourceWatcher } from './source-watcher.ts';
import { type Exit, WorkerProcess } from './worker-process.ts';

/** A worker has so long after its last import to reach the server, before there is a hint. Milliseconds. */
const patienceMs = 10_000;

export interface RunnerOptions {
  /** Path of the worker's module. */
  readonly module: string;
  /** URL of the server. */
  readonly url: string;
  /** How long a restart waits for running jobs. Milliseconds. */
  readonly drainMs: number;
}

/** Runs a worker's module, and restarts it when one of its files changes. At most one process at a time. */
export class WorkerRunner {
  readonly #options: RunnerOptions;
  readonly #name: string;
  readonly #watcher = new SourceWatcher((file) => {
    void this.restart(`${relative(process.cwd(), file)} changed`);
  });
  #process: WorkerProcess | null = null;
  #restarting: Promise<void> | null = null;
  #isClosed = false;
  /** True if a worker of the process has reached the server. */
  #isReady = false;
  /** When the process was started; 0 for that of the command, which counts for the first one. */
  #since = 0;
  #patience: NodeJS.Timeout | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#name = basename(options.module);
  }

  start(): void {
    const { module, url } = this.#options;
    this.#isReady = false;
    this.#watcher.widely = false;
    const started = new WorkerProcess(module, url, {
      line: (text) => say('worker', text),
      imported: (file) => {
        if (!this.#isClosed) this.#watcher.add(file);
        this.#patience?.refresh();
      },
    });
    this.#process = started;
    this.#patience = setTimeout(() => this.#hint(), patienceMs).unref();
    void started.ended.then((exit) => this.#ended(started, exit));
  }

  /** The server has seen a worker. */
  registered(): void {
    if (this.#isReady || this.#process === null || this.#process.isStopping) return;
    this.#isReady = true;
    this.#stopWaiting();
    say('ojs', `${this.#name} is ready in ${((performance.now() - this.#since) / 1_000).toFixed(1)} s`);
  }

  /** Lets running jobs end, then starts again. A call during a restart joins it. */
  restart(reason: string): Promise<void> {
    this.#restarting ??= this.#restart(reason).finally(() => {
      this.#restarting = null;
    });
    return this.#restarting;
  }

  /** Lets running jobs end. Nothing is started any more. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#watcher[Symbol.dispose]();
    await this.#stop();
    await this.#restarting;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process?.kill();
  }

  async #restart(reason: string): Promise<void> {
    const how = this.#process === null ? 'starts' : 'restarts once its running jobs have ended';
    say('ojs', `${reason}: ${this.#name} ${how}`);
    await this.#stop();
    if (this.#isClosed) return;
    this.#since = performance.now();
    this.start();
  }

  async #stop(): Promise<void> {
    this.#stopWaiting();
    await this.#process?.stop(this.#options.drainMs);
  }

  #ended(ended: WorkerProcess, exit: Exit): void {
    this.#stopWaiting();
    if (this.#process === ended) this.#process = null;
    if (ended.isStopping) {
      if (ended.wasKilled)
        say('ojs', `${this.#name} was killed: its jobs did not end in time. The server runs them again.`);
      return;
    }
    this.#watcher.widely = true;
    const how = typeof exit === 'number' ? `with code ${exit}` : `by ${exit}`;
    const why = exit === 0 && !this.#isReady ? ' and started no worker. Export a Worker, or call start()' : '';
    say('ojs', `${this.#name} ended ${how}${why}. It starts again when a file changes.`);
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #hint(): void {
    this.#stopWaiting();
    const { url } = this.#options;
    say('ojs', `No worker of ${this.#name} has reached ${url} yet. Does it use another URL than OJS_BACKEND_URL?`);
  }
}
