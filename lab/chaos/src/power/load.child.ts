// A real engine on a SQLite file, preloaded with the recorder: `load.child.ts FILE JOBS SEED`. Its history goes into
// FILE-history, in the order of the record. It ends without closing anything.
import { setTimeout as pause } from 'node:timers/promises';
import type { Transport } from '@ojs-ts/core';
import { Client, Worker } from '@ojs-ts/sdk';
import { openEmbedded } from '@ojs-ts/server';
import { silent } from '../../../simulation/src/nodes/silent.ts';
import { HistoryFile } from '../history-file.ts';
import { Chance } from '../random.ts';
import { doSome, type Order, types } from '../work.ts';

const [file = '', pieces = '300', seed = '1'] = process.argv.slice(2);
const history = new HistoryFile(`${file}-history`, 'node');
const embedded = await openEmbedded(`sqlite:${file}`);
const transport: Transport = {
  call: (call, context) => embedded.call(call, context),
  async [Symbol.asyncDispose]() {},
};
history.record(transport);
const client = new Client(transport, { logger: silent });
const worker = new Worker(transport, {
  queues: ['plain', 'flow'],
  concurrency: 5,
  handleSignals: false,
  logger: silent,
});
for (const type of types)
  worker.register(type, async ({ args: [order], attempt }: { args: readonly Order[]; attempt: number }) => {
    await pause(Math.min(order?.holdMs ?? 0, 5));
    if (attempt <= (order?.failures ?? 0)) throw new Error('The job is to fail.');
    return { attempt };
  });
worker.start();
const chance = new Chance(Number(seed));
let left = Number(pieces);
const produce = async () => {
  while (left-- > 0) {
    await doSome({ client, chance, history }).catch(() => {});
    await pause(4 * chance.next());
  }
};
await Promise.all(Array.from({ length: 8 }, produce));
await pause(100);
process.exit(0);
