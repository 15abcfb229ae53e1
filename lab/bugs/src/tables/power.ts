import { files } from '../../../../packages/server/src/storage/sqlite/disk/wal-sync.ts';
import type { Bugs } from '../bugs.ts';
import { on } from '../plant.ts';

/** Bugs of the synchronisation of SQLite's log; a loss of power shows them. */
export const power: Bugs = {
  'log-never-synchronised': ['the log is never synchronised', on(files, 'sync', async () => {})],
  'answer-before-the-disk': [
    'a success is answered before the log is on the disk',
    on(files, 'sync', async (next, file) => void next(file).catch(() => {})),
  ],
};
