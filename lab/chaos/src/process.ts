import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(import.meta.dirname, '../../..');

/** A Node process of the run. */
export class Process {
  readonly #child: ChildProcess;
  #errors = '';

  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [resolve(root, script), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-2_000);
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Memory of the process in MB; null where this system does not tell. */
  get memory(): number | null {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024);
    } catch {
      return null;
    }
  }

  get errors(): string {
    return this.#errors;
  }

  /** Resolves with the first line that matches, or null where the process ends before. */
  async line(pattern: RegExp): Promise<string | null> {
    if (this.#child.stdout === null) return null;
    const lines = createInterface({ input: this.#child.stdout });
    for await (const line of lines) if (pattern.test(line)) return line;
    return null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGCONT');
    await this.#end(() => this.#child.kill('SIGKILL'));
  }

  /** Ends its input and waits for it, for at most `ms`. */
  async stop(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ms);
    await this.#end(() => this.#child.stdin?.end());
    clearTimeout(timer);
  }

  async #end(begin: () => void): Promise<void> {
    if (!this.isRunning) return;
    const gone = once(this.#child, 'exit');
    begin();
    await gone;
  }
}
