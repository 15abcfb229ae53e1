import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

export { freePort } from '../../../server/test/support/instance.ts';

const root = resolve(import.meta.dirname, '../../../..');

/** A Node process of the test, and the lines that it prints. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd: string = root) {
    this.process = spawn(process.execPath, [resolve(root, script), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.process;
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#add(this.lines, line));
    if (stderr) createInterface({ input: stderr }).on('line', (line) => this.#add(this.errors, line));
    this.process.once('exit', () => this.#wake());
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** The first line that matches, from this number on. Rejects when the process ends without one. */
  async line(pattern: RegExp, from = 0): Promise<string> {
    for (;;) {
      const found = this.lines.find((line, index) => index >= from && pattern.test(line));
      if (found !== undefined) return found;
      if (!this.running) throw new Error(`The process ended without ${pattern}: ${this.errors.join('\n')}`);
      await new Promise<void>((wake) => this.#waiting.add(wake));
    }
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  async end(name: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (this.running) {
      const exited = once(this.process, 'exit');
      this.process.kill(name);
      await exited;
    }
    return this.process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #add(lines: string[], line: string): void {
    lines.push(line);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** `ojs serve` on a SQLite file, listening. */
export function serve(file: string, port: number): Promise<Child> {
  return serveOn(`sqlite:${file}`, port);
}

/** `ojs serve` on a storage, listening. */
export async function serveOn(
  storage: string,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const child = new Child(
    'packages/cli/src/main.ts',
    ['serve', '--storage', storage, '--port', String(port), '--log-level', 'warn'],
    env,
  );
  await child.line(/listening/);
  return child;
}
