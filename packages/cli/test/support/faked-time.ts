import { execFileSync } from 'node:child_process';
import { findProgram, installPackage } from '../../../server/test/support/instance.ts';

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
  // Without its wrapper, which would be a process in between that a signal would kill alone.
  const library = execFileSync('faketime', ['-f', '+0s', 'sh', '-c', 'echo "$LD_PRELOAD"'], {
    encoding: 'utf8',
  }).trim();
  return { LD_PRELOAD: library, FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}
