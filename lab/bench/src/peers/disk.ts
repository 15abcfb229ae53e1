import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../statistics.ts';

const writes = 200;

/** How long the disk below the SQLite files takes to write and synchronise 4 KiB, in milliseconds: the median. */
export function syncTime(): number {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-sync-'));
  const file = openSync(join(folder, 'log'), 'w');
  const page = Buffer.alloc(4096, 1);
  try {
    return median(
      Array.from({ length: writes }, () => {
        const start = performance.now();
        writeSync(file, page);
        fdatasyncSync(file);
        return performance.now() - start;
      }),
    );
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}
