// A process with two workers, for the tests of signals. Says what happens on stdout, one word a line.
import { type JobContext, Worker } from '../../src/index.ts';

const url = process.argv[2];
const say = (word: string) => console.log(word);
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const workers = ['one', 'two'].map((queue) => {
  const worker = new Worker(url, { queues: [queue], heartbeatInterval: 10, logger });
  worker.register('sleep.job', async ({ args: [ms] }: JobContext<[number]>) => {
    say('began');
    await new Promise((resolve) => setTimeout(resolve, ms));
    say('ended');
  });
  return worker;
});
const running = workers.map((worker) => worker.start());
await Promise.all(workers.map((worker) => worker.ready));
const states = setInterval(() => {
  const state = workers.map((worker) => worker.state).join();
  if (state !== last) say(state);
  last = state;
}, 5);
let last = '';
process.on('exit', () => say(`listeners:${process.listenerCount('SIGTERM')}`));
say('ready');
await Promise.all(running);
clearInterval(states);
say('settled');
