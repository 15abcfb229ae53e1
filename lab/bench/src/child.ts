import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Message, Outcome, Task } from './task.ts';

/** The folder of this checkout. */
export const checkout = fileURLToPath(new URL('../../..', import.meta.url));

/** Ours: the SDK, and for the embedded mode the engine with it. An older checkout has no laboratory. */
export function oursOf(folder = checkout): string {
  const file = join(folder, 'lab/bench/src/worker.ts');
  return existsSync(file) ? file : join(folder, 'bench/src/worker.ts');
}

export function cliOf(folder: string): string {
  return join(folder, 'packages/cli/src/main.ts');
}

export interface ChildOptions {
  readonly onStart?: (pid: number | undefined) => void;
  /** Called when the child's worker waits for jobs, or they for it. */
  readonly onReady?: () => void;
  /** A folder for a CPU profile of the child. */
  readonly cpuProfile?: string;
  /** Another program than this Node that runs the entry. */
  readonly program?: string;
}

/** Carries out a task in a fresh process of this Node. Rejects with what went wrong in it. */
export function runChild(entry: string, task: Task, options: ChildOptions = {}): Promise<Outcome> {
  const { program, cpuProfile } = options;
  const child = fork(entry, {
    ...(program !== undefined && { execPath: program }),
    env: plainEnvironment(),
    execArgv: program === undefined ? profileFlags(cpuProfile) : [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  options.onStart?.(child.pid);
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const done = new Promise<Outcome>((resolve, reject) => {
    let outcome: Outcome | undefined;
    child.on('message', (message: Message) => {
      if ('ready' in message) options.onReady?.();
      else if ('outcome' in message) outcome = message.outcome;
      else reject(new Error(message.error));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (outcome !== undefined && code === 0) resolve(outcome);
      else reject(new Error(`a process of the benchmark ended with ${signal ?? `exit code ${code}`}`));
    });
  });
  child.send(task);
  return done.finally(() => {
    process.off('exit', stop);
    stop();
  });
}

/** What is measured are the defaults, so nothing that the environment says about OJS reaches a child. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OJS_')));
}

export function profileFlags(folder: string | undefined): string[] {
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
