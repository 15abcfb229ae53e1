import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  readonly exit: Promise<{ readonly code: unknown; readonly signal: unknown }>;
  /** Resolves once it has said a line that begins so. */
  says(start: string): Promise<void>;
}

/** A program of this folder in a process of its own; it is killed with the scope. */
export function run(name: string, ...args: string[]): Program {
  const child = spawn(process.execPath, [fileURLToPath(new URL(name, import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let watchers: (() => void)[] = [];
  const wake = () => {
    const waiting = watchers;
    watchers = [];
    for (const watcher of waiting) watcher();
  };
  if (child.stdout === null) throw new Error('no stdout');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  const exit = once(child, 'exit').then(([code, signal]: unknown[]) => ({ code, signal }));
  void exit.then(wake);
  return {
    child,
    lines,
    exit,
    async says(start) {
      while (!lines.some((line) => line.startsWith(start))) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${name} ended without saying ${start}: ${lines.join('; ')}`);
        await new Promise<void>((resolve) => watchers.push(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
