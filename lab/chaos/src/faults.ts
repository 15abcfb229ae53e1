import { setTimeout as pause } from 'node:timers/promises';
import type { Hop, Weather } from '../../../packages/sdk/test/support/hop.ts';
import type { Cluster } from './cluster.ts';
import type { HistoryFile } from './history-file.ts';
import type { Process } from './process.ts';
import type { Chance } from './random.ts';
import type { Store } from './stores.ts';

interface Scene {
  readonly cluster: Cluster;
  readonly store: Store;
  readonly chance: Chance;
  readonly history: HistoryFile;
}

/** Does damage and repairs it. */
type Fault = (scene: Scene) => Promise<void>;

async function stopped(process: Process, ms: number): Promise<void> {
  process.signal('SIGSTOP');
  await pause(ms);
  process.signal('SIGCONT');
}

async function spoilt(hop: Hop, weather: Weather, ms: number): Promise<void> {
  hop.weather = weather;
  await pause(ms);
  // What went into a half-open connection is lost, so its end has to be seen.
  hop.weather = 'reset';
  hop.weather = 'pass';
}

const common: Readonly<Record<string, Fault>> = {
  async 'server killed'({ cluster, chance }) {
    const server = chance.pick(cluster.servers);
    await server.process.kill();
    await pause(chance.between(100, 2_000));
    await server.start();
  },
  'server stopped': ({ cluster, chance }) => stopped(chance.pick(cluster.servers).process, chance.between(500, 8_000)),
  async 'worker killed'({ cluster, chance }) {
    const worker = chance.pick(cluster.workers);
    await worker.process.kill();
    await pause(chance.between(100, 2_000));
    await worker.start();
  },
  'worker stopped': ({ cluster, chance }) => stopped(chance.pick(cluster.workers).process, chance.between(500, 12_000)),
  async 'client killed'({ cluster, chance }) {
    const client = chance.pick(cluster.clients);
    await client.process.kill();
    await client.start();
  },
  'client stopped': ({ cluster, chance }) => stopped(chance.pick(cluster.clients).process, chance.between(500, 12_000)),
  'way to a server reset': ({ cluster, chance }) => spoilt(chance.pick(cluster.hops), 'reset', 0),
  'way to a server cut': ({ cluster, chance }) => spoilt(chance.pick(cluster.hops), 'drop', chance.between(500, 6_000)),
  'way to a server slow': ({ cluster, chance }) =>
    spoilt(chance.pick(cluster.hops), 'delay', chance.between(1_000, 6_000)),
};

/** The faults that can be done to a store, by name. */
export function faultsOf(store: Store): Readonly<Record<string, Fault>> {
  const faults: Record<string, Fault> = { ...common };
  for (const [name, instance] of Object.entries(store.processes))
    faults[`${name} killed`] = async ({ chance }) => {
      await instance.kill();
      await pause(chance.between(100, 1_500));
      await instance.restart();
    };
  if (store.hops.length > 0) {
    faults['way to the store reset'] = ({ chance }) => spoilt(chance.pick(store.hops), 'reset', 0);
    faults['way to the store cut'] = ({ chance }) =>
      spoilt(chance.pick(store.hops), 'drop', chance.between(500, 4_000));
    faults['way to the store slow'] = ({ chance }) =>
      spoilt(chance.pick(store.hops), 'delay', chance.between(1_000, 5_000));
  }
  const { fill } = store;
  if (fill !== null)
    faults['disk full'] = async ({ chance }) => {
      fill(true);
      await pause(chance.between(500, 3_000));
      fill(false);
    };
  return faults;
}

/**
 * Does one fault after the other until the time is over, each before any comes again; every third overlaps with the
 * next.
 * @returns how often each was done
 */
export async function spoil(scene: Scene, ms: number): Promise<Readonly<Record<string, number>>> {
  const faults = faultsOf(scene.store);
  const counts: Record<string, number> = Object.fromEntries(Object.keys(faults).map((name) => [name, 0]));
  const until = performance.now() + ms;
  const { chance } = scene;
  let deck: string[] = [];
  /** The next of the deck that does not do the same to a process as `other`. */
  const draw = (other?: string): string => {
    const isOther = (name: string) => other === undefined || subjectOf(name) !== subjectOf(other);
    if (!deck.some(isOther)) deck = [...deck, ...chance.shuffled(Object.keys(faults))];
    const [name = ''] = deck.splice(deck.findIndex(isOther), 1);
    return name;
  };
  while (performance.now() < until) {
    await pause(chance.between(100, 1_500));
    const first = draw();
    const names = chance.next() < 1 / 3 ? [first, draw(first)] : [first];
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
    await Promise.all(names.map((name) => faults[name]?.(scene)));
  }
  return counts;
}

function subjectOf(fault: string): string {
  return fault.split(' ')[0] ?? '';
}
