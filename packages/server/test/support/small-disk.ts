import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../storage/sqlite/temporary.ts';

export interface SmallDisk {
  readonly path: string;
  /** @param left bytes; none by default. */
  fill(left?: number): void;
  /** Takes back what `fill` took. */
  free(): void;
}

/** Root may, unless a container keeps it from that. */
export const mayMount = canMount();

/**
 * The name of a test that needs one. A CI run bears that it is skipped with this beginning: of root it insists on it.
 */
export function onSmallDisk(name: string): string {
  return mayMount || process.getuid?.() === 0 ? name : `left out: ${name} (only root may mount a small disk)`;
}

/** A file system of the test's own, of some megabytes. */
export function smallDisk(megabytes: number): SmallDisk {
  const path = temporaryDirectory();
  mount(path, megabytes);
  onTestFinished(() => unmount(path));
  const filler = join(path, 'filler');
  return {
    path,
    fill(left = 0) {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(filler, Buffer.alloc(Math.max(0, Number(bavail * bsize) - left)));
    },
    free: () => rmSync(filler),
  };
}

function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'ojs-mount-'));
  try {
    mount(path, 1);
    unmount(path);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
}

function mount(path: string, megabytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
}

function unmount(path: string): void {
  execFileSync('umount', ['-l', path]);
}
