import { fork } from 'node:child_process';
import { program as programOf } from '../../../files.ts';
import type { StoreVerdict } from '../../storage.ts';

const program = programOf('storage/sqlite/disk/file-check-program');

/** The most problems that are kept: one damaged page may be reported a hundred times. */
const maxProblems = 10;

/**
 * Runs SQLite's `quick_check` in a process with a connection of its own, which only reads. A thread would not do: a
 * check inside SQLite ends only with its process, and a server must not wait for it at its shutdown.
 * @param signal ends the check.
 */
export function checkFile(file: string, signal: AbortSignal, timeMs: number): Promise<StoreVerdict> {
  const problems: string[] = [];
  let whole = false;
  return new Promise((resolve) => {
    // The process must not inherit flags such as --inspect.
    const child = fork(program, [file], {
      execArgv: [],
      stdio: 'ignore',
      signal,
      timeout: timeMs,
      killSignal: 'SIGKILL',
    });
    child.unref();
    child.channel?.unref();
    child.on('message', (message) => {
      if (message === 'done') whole = true;
      else if (Array.isArray(message)) problems.push(...message.map(String).slice(0, maxProblems - problems.length));
    });
    const end = () => resolve({ problems, whole });
    // An abort, or a runtime that starts no processes, as Node with --permission.
    child.on('error', end);
    child.on('close', end);
  });
}
