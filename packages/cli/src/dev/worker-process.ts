import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { programFile } from '../files.ts';
import { loaderFor, typescriptEnvironment } from './typescript.ts';

/** Who hears of a worker's process. */
export interface WorkerListener {
  /** A line that it has printed. */
  line(text: string): void;
  /** A file that it has imported, or looked for. */
  imported(file: string): void;
}

/** How a process ended: its exit code, or the signal that killed it. */
export type Exit = number | NodeJS.Signals;

const isWindows = process.platform === 'win32';
/** How long to wait for the last lines of a process whose children hold its output open. Milliseconds. */
const outputMs = 500;

/** How long to wait for its last messages, on a machine that is busy. Milliseconds. */
const messagesMs = 5_000;

/** A worker's module in a process of its own. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  #stopping: Promise<void> | null = null;
  #wasKilled = false;
  /** Settles when it has ended and its lines are printed. */
  readonly ended: Promise<Exit>;

  /** @param url of the server, which the SDK reads from the environment. */
  constructor(module: string, url: string, listener: WorkerListener) {
    const args = [...loaderFor(module), fileURLToPath(programFile('dev/worker-program')), module];
    this.#child = spawn(process.execPath, args, {
      env: environmentFor(module, url),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl+C reaches a whole group, and a worker takes a second signal for an order to end at once.
      detached: !isWindows,
    });
    const { stdout, stderr } = this.#child;
    for (const stream of [stdout, stderr])
      if (stream) createInterface({ input: stream }).on('line', (text) => listener.line(text));
    this.#child.on('message', (imported) => listener.imported(fileURLToPath(String(imported))));
    this.ended = this.#end();
  }

  get isStopping(): boolean {
    return this.#stopping !== null;
  }

  get wasKilled(): boolean {
    return this.#wasKilled;
  }

  /** Has the worker finish its jobs; kills it when they take longer. Resolves when the process has ended. */
  stop(drainMs: number): Promise<void> {
    this.#stopping ??= this.#drain(drainMs);
    return this.#stopping;
  }

  /** Ends the process at once, and what it has started. */
  kill(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    this.#wasKilled = true;
    try {
      if (isWindows) this.#child.kill('SIGKILL');
      else process.kill(-pid, 'SIGKILL');
    } catch {
      // The process has just ended.
    }
  }

  async #drain(drainMs: number): Promise<void> {
    // The callback takes the error of a process that has just ended.
    if (this.#child.connected) this.#child.send('drain', () => {});
    const timer = setTimeout(() => this.kill(), drainMs);
    await this.ended;
    clearTimeout(timer);
  }

  async #end(): Promise<Exit> {
    const closed = once(this.#child, 'close');
    const heard = once(this.#child, 'disconnect');
    await once(this.#child, 'exit');
    await Promise.race([closed, pause(outputMs, undefined, { ref: false })]);
    // Its last messages name files to watch: one that changes before they are read would change unseen.
    await Promise.race([heard, pause(messagesMs, undefined, { ref: false })]);
    return this.#child.signalCode ?? this.#child.exitCode ?? 1;
  }
}

function environmentFor(module: string, url: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...typescriptEnvironment(module),
    OJS_BACKEND_URL: url,
    // Its output is a pipe to us and a terminal to the user.
    ...(process.stdout.isTTY && process.env.NO_COLOR === undefined && { FORCE_COLOR: '1' }),
  };
}
