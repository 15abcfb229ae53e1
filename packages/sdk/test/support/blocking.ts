// A process with one worker whose handler blocks the event loop, for the tests of the heartbeat thread. Says what
// happens on stdout, a line each.
import { Worker } from '../../src/index.ts';

const [url, thread, visibilityMs, heartbeatMs] = process.argv.slice(2);
const say = (...words: unknown[]) => console.log(words.join(' '));
const worker = new Worker(url, {
  visibilityTimeoutMs: Number(visibilityMs),
  heartbeatInterval: Number(heartbeatMs),
  heartbeatThread: thread === 'thread',
  concurrency: 5,
  logger: {
    debug: (message) => say('debug', message),
    info() {},
    warn: (message) => say('warn', message),
    error: (message) => say('error', message),
  },
});
worker.register('block.job', ({ args: [ms], isCancelled }) => {
  say('began', performance.now());
  // Blocks this thread without taking the processor from the server and the heartbeat thread on a machine of two cores.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
  say('ended', isCancelled);
  return 'blocked';
});
worker.register('other.job', () => 'other');
process.on('exit', () => say('exit'));
const running = worker.start();
await worker.ready;
say('ready');
await running;
