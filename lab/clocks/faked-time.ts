import { execFileSync } from 'node:child_process';
import { findProgram, installPackage } from '../../packages/server/test/support/instance.ts';

/**
 * Whether processes with a clock of their own can be made on this machine; installs libfaketime where that is allowed.
 */
export async function canFakeTime(): Promise<boolean> {
  return findProgram('faketime') !== null || (await installPackage('faketime'));
}

/**
 * The environment of a process whose clock is off by so many seconds. Its timers are right: only what it takes for the
 * time of day is wrong.
 */
export function clockOff(seconds: number): Readonly<Record<string, string>> {
  library ??= findLibrary();
  return { LD_PRELOAD: library, FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

let library: string | undefined;

/**
 * The library without its wrapper, which would be a process in between that a signal would kill alone. A killed process
 * leaves a semaphore that is named by its pid, and the wrapper does not run under that pid: another try has another.
 */
function findLibrary(): string {
  for (let tries = 1; ; tries++) {
    try {
      const answer = execFileSync('faketime', ['-f', '+0s', 'sh', '-c', 'echo "$LD_PRELOAD"'], { stdio: 'pipe' });
      return answer.toString().trim();
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}
