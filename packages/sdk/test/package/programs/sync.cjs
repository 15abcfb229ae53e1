// Jobs without a promise, with the CommonJS form; closed.
const { isOjsError } = require('@ojs-ts/sdk');
const { SyncClient } = require('@ojs-ts/sdk/sync');

const client = new SyncClient();
const { id } = client.enqueue('package.echo', ['commonjs'], { queue: process.env.QUEUE });
let code;
try {
  client.getJob('nobody');
} catch (error) {
  code = isOjsError(error) && error.code;
}
console.log(JSON.stringify({ args: client.getJob(id).args, code }));
client.close();
