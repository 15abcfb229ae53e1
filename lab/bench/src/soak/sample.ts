import { localPorts } from '../process.ts';
import type { Server } from '../server.ts';
import type { FreshStore, Size } from '../stores/fresh-store.ts';
import type { Progress } from './load.ts';
import { ask } from './loading.ts';

/** Bytes of the server's process before and after a garbage collection. */
export interface Collected {
  readonly before: number;
  readonly rss: number;
  readonly heapUsed: number;
}

export interface Sample {
  /** Since the load began. */
  readonly seconds: number;
  readonly enqueued: number;
  readonly handled: number;
  readonly failed: number;
  /** What must stay flat, and what is only told. */
  readonly sizes: readonly Size[];
}

export async function takeSample(
  seconds: number,
  server: Server,
  store: FreshStore,
  producer: Progress,
  workers: readonly Progress[],
): Promise<Sample> {
  const { before, rss, heapUsed } = await ask<Collected>(server.process, 'collect');
  const connections = await store.connections(localPorts(server.pid));
  return {
    seconds,
    enqueued: producer.done,
    handled: workers.reduce((sum, { done }) => sum + done, 0),
    failed: producer.failed,
    sizes: [
      { what: 'RSS before', value: before, flat: false },
      { what: 'RSS', value: rss, flat: true },
      { what: 'heap used', value: heapUsed, flat: false },
      ...(connections === null ? [] : [{ what: 'connections', value: connections, flat: true }]),
      ...(await store.sizes()),
    ],
  };
}
