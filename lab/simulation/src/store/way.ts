import type { Storage, Wake } from '../../../../packages/server/src/storage/storage.ts';
import { StoreUnavailable } from '../../../../packages/server/src/storage/unavailable.ts';
import type { Network } from '../network/network.ts';
import type { Node } from '../world/world.ts';
import { wrapped } from './wrapped.ts';

/**
 * A storage as a server of another node reaches it: calls take time, fail before or after their effect, or stall with
 * the store's node. A call that a server made before it died still takes effect.
 */
export function overNetwork(storage: Storage, storeNode: Node, server: Node, network: Network): Storage {
  const { coverage, conditions } = network;
  const { random, world } = server;

  function attempt(name: string, call: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fault = drawFault(network, server);
      const there = network.storeLatency(random);
      const back = network.storeLatency(random);
      const sentAt = world.now;
      const answer = (end: () => void, how: string) =>
        server.after(back, `< ${name}${how}`, () => {
          if (name === 'clock') network.longestClockTrip = Math.max(network.longestClockTrip, world.now - sentAt);
          end();
        });
      const fail = (error: unknown) => answer(() => reject(error), ' failed');
      if (!network.isLinked(server, storeNode)) {
        coverage.count('store out of reach');
        server.after(there + 200 + 2_000 * random(), `x ${name}`, () =>
          reject(new StoreUnavailable('There is no way to the store.')),
        );
        return;
      }
      storeNode.after(there, `> ${server.name} ${name}`, () => {
        if (fault === 'before') return fail(new StoreUnavailable('The call failed before its effect.'));
        Promise.try(call).then((value) => {
          if (fault === 'after' || !network.isLinked(server, storeNode))
            fail(new StoreUnavailable('The call failed after its effect.'));
          else answer(() => resolve(value), '');
        }, fail);
      });
    });
  }

  const parallel = 1 + Math.floor(random() * 4);
  return wrapped(storage, {
    around: attempt,
    traits: (traits) => ({ ...traits, inProcess: false, parallel }),
    own: {
      [Symbol.asyncDispose]: async () => {},
      // The driver answers from its own memory, without a call.
      lastMove: () => storage.lastMove?.() ?? null,
      subscribe: async (onWake: (wakes: readonly Wake[]) => void) => {
        const subscription = await storeNode.run(() =>
          storage.subscribe((wakes) => {
            if (server.isDead) return;
            if (random() < conditions.wakeLoss || !network.isLinked(server, storeNode)) coverage.count('wake-up lost');
            else server.after(network.storeLatency(random), 'wake', () => onWake(wakes));
          }),
        );
        const close = () => storeNode.run(async () => subscription[Symbol.asyncDispose]());
        server.onDeath(() => void close());
        return { [Symbol.asyncDispose]: close };
      },
    },
  });
}

/** A storage in the server's own process, such as SQLite: its calls may fail, but no way lies between. */
export function inProcess(storage: Storage, server: Node, network: Network): Storage {
  return wrapped(storage, {
    around: async (_, call) => {
      const fault = drawFault(network, server);
      if (fault === 'before') throw new StoreUnavailable('The call failed before its effect.');
      const answer = await call();
      if (fault === 'after') throw new StoreUnavailable('The call failed after its effect.');
      return answer;
    },
    own: {
      subscribe: (onWake: (wakes: readonly Wake[]) => void) => storage.subscribe(onWake),
      clock: () => storage.clock(),
      // SQLite draws its own, in true chance; leases stand in the trace.
      leaseKey: async () => '0'.repeat(32),
      [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
    },
  });
}

function drawFault({ conditions, coverage }: Network, { random }: Node): 'before' | 'after' | null {
  if (conditions.storeFault === 0 || random() >= conditions.storeFault) return null;
  const fault = random() < 0.4 ? 'before' : 'after';
  coverage.count(fault === 'before' ? 'store failed before the effect' : 'store failed after the effect');
  return fault;
}
