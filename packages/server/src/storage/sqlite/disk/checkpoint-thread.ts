// The program of the thread that `checkpoints.ts` starts: runs a checkpoint for each message, then answers.
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
    // A full or broken disk. The storage's own connection gets the same error and can report it.
  }
  parentPort?.postMessage('done');
});
parentPort?.postMessage('done');
