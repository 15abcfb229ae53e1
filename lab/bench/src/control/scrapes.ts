import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStorage } from '@ojs-ts/server';
import { Fixture } from '../backlog/fixture.ts';
import { treeCpuUs } from '../process.ts';
import { type Server, startServer } from '../server.ts';
import { median } from '../statistics.ts';
import { freshStore } from '../store.ts';
import { ask } from './calls.ts';

export interface ScrapeTimes {
  readonly pairs: number;
  /** Of the answer, in MiB. */
  readonly size: number;
  /** Medians of the rounds, in milliseconds: until the answer is read, and of the server's processor time. */
  readonly took: number;
  readonly cpu: number;
  /** For how long the server's event loop was blocked at most, in milliseconds: the median, and the worst round. */
  readonly blocked: number;
  readonly worst: number;
}

const minuteMs = 60_000;
const typeCount = 50;
/** What a server reads for a scrape: minutes that are not in the totals yet. */
const minutes = 7;
/** A reading of the store serves scrapes of one second. */
const pauseMs = 1_100;
/** To be loaded before a server, for {@link blockedMs}. */
export const loopDelay = fileURLToPath(new URL('loop-delay.ts', import.meta.url));

/** Scrapes of `/metrics` in a store of their own, with jobs of so many pairs of queue and type in each of some minutes. */
export async function scrapeTimes(place: string, pairs: number, rounds: number): Promise<ScrapeTimes> {
  await using store = await freshStore(place);
  {
    await using storage = await openStorage(store.storage);
    const queues = Array.from({ length: Math.ceil(pairs / typeCount) }, (_, n) => `work-${n}`);
    for (let ago = minutes; ago >= 0; ago--) {
      const fixture = await Fixture.open(storage, -ago * minuteMs);
      await fixture.insert(pairs, (n) => ({
        queue: `work-${Math.floor(n / typeCount)}`,
        type: `shop.type-${n % typeCount}`,
      }));
      for (let left = pairs; left > 0; ) {
        const jobs = await fixture.claim(Math.min(left, storage.traits.maxBatch), queues);
        if (jobs.length === 0) throw new Error(`${left} jobs could not be claimed`);
        await fixture.complete(jobs);
        left -= jobs.length;
      }
    }
  }
  await using server = await startServer(store.storage, { preload: loopDelay });
  const [took, cpu, blocked]: [number[], number[], number[]] = [[], [], []];
  let size = 0;
  for (let round = 0; round <= rounds; round++) {
    await setTimeout(pauseMs);
    await blockedMs(server);
    const [from, cpuFrom] = [performance.now(), treeCpuUs(server.pid)];
    const text = await ask(server.url, '/metrics');
    // The first one compiles.
    if (round === 0) continue;
    took.push(performance.now() - from);
    cpu.push((treeCpuUs(server.pid) - cpuFrom) / 1_000);
    blocked.push(await blockedMs(server));
    size = text.length / 2 ** 20;
  }
  return { pairs, size, took: median(took), cpu: median(cpu), blocked: median(blocked), worst: Math.max(...blocked) };
}

/** For how long the server's event loop was blocked at most since the last call, in milliseconds. */
export async function blockedMs({ process }: Server): Promise<number> {
  const answered = once(process, 'message');
  process.send('blocked');
  const [ms] = await answered;
  return Number(ms);
}
