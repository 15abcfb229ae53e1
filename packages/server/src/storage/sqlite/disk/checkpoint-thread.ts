// The program of the thread that `checkpoints.ts` starts: moves the log into the file each time it is asked, and says when it has.
import { parentPort, workerData } from 'node:worker_threads';
import type { CheckpointPlan } from './checkpoints.ts';
import { loadNodeSqlite } from './node-sqlite.ts';

const { file, synchronous }: CheckpointPlan = workerData;
const { DatabaseSync } = loadNodeSqlite();
const database = new DatabaseSync(file, { timeout: 0 });
database.exec(`PRAGMA synchronous = ${synchronous}`);
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', (message: 'go' | 'stop') => {
  if (message === 'stop') {
    database.close();
    parentPort?.close();
    return;
  }
  try {
    checkpoint.get();
  } catch {
    // A full or broken walSync. The storage's own connection meets it as well, and has somebody to tell.
  }
  parentPort?.postMessage('done');
});
parentPort?.postMessage('done');
