// Says the URL of each module that the program of the heartbeat thread loads, then `done`.
import { registerHooks } from 'node:module';

registerHooks({
  load(url, context, nextLoad) {
    console.log(url);
    return nextLoad(url, context);
  },
});
await import('../../src/platform/node/heartbeat-thread.ts');
console.log('done');
