// A process of clients: `client.child.ts NAME URL HISTORY SEED JOBS_PER_SECOND`. It works until its input ends.
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@ojs-ts/sdk';
import { NodeTransport } from '../../../packages/sdk/src/transport/node.ts';
import { silent } from '../../simulation/src/nodes/silent.ts';
import { HistoryFile } from './history-file.ts';
import { Chance } from './random.ts';
import { doSome } from './work.ts';

const [name = '', url = '', path = '', seed = '1', rate = '20'] = process.argv.slice(2);
const callers = 8;
const history = new HistoryFile(path, name);
history.record(NodeTransport.prototype);
const client = new Client(url, { timeout: '10s', requestRetry: { maxRetries: 20, maxBackoff: 500 }, logger: silent });
const chance = new Chance(Number(seed));
let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();

async function produce(): Promise<void> {
  while (!isOver) {
    await doSome({ client, chance, history }).catch(() => {});
    await pause((2_000 * callers * chance.next()) / Number(rate));
  }
}

console.log('ready');
await Promise.all(Array.from({ length: callers }, produce));
await client[Symbol.asyncDispose]();
process.exit(0);
