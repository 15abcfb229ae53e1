// Jobs without a promise, with the module form; a sync client that is not closed keeps nothing alive.
import { isOjsError } from '@ojs-ts/sdk';
import { SyncClient } from '@ojs-ts/sdk/sync';

const client = new SyncClient();
const { id } = client.enqueue('package.echo', ['module'], { queue: process.env.QUEUE });
let code;
try {
  client.getJob('nobody');
} catch (error) {
  code = isOjsError(error) && error.code;
}
console.log(JSON.stringify({ args: client.getJob(id).args, code }));
