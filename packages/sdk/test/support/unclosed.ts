// A script that enqueues with a sync client and does not close it.
import { SyncClient } from '../../src/sync/index.ts';

const client = new SyncClient(process.argv[2]);
console.log(client.enqueue('test.job', []).outcome);
