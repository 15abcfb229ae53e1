import type { Storage, Wake } from '../../../../packages/server/src/storage/storage.ts';
import type { Node } from '../world/world.ts';
import { wrapped } from './wrapped.ts';

/** Calls that log no event. */
const quiet =
  /^(ping|probe|seed|events|layout|jobs\.(get|list|runs|claimsOf)|upkeep\.(overdue|nextDue|held|lease|release|prune)|registry\.(queues|workers|limits?|statistics|minuteBehind)|workflows\.(get|list|nodes?|unfinished)|records\.(get|scan)|inbox\.)/;

/**
 * A storage on a real server as one of the world: one call at a time, while virtual time stands still. Its clock is
 * virtual, and its wake-ups are made here, because its own come at true times.
 */
export function onRealServer(storage: Storage, storeNode: Node): Storage {
  const { world } = storeNode;
  const listeners = new Set<(wakes: readonly Wake[]) => void>();
  let last = 0;
  // What somebody waits for is in the log. A wake-up after every call would wake the fetches that wait by their own.
  const hasGrown = async () => {
    const before = last;
    last = (await storage.events(last, 1)).newest;
    return last > before;
  };
  let isPlanned = false;
  /** One look at the log for all calls of a moment: a look after each call was a fifth of all statements. */
  const plan = () => {
    if (isPlanned) return;
    isPlanned = true;
    storeNode.after(1, 'tell', () => {
      isPlanned = false;
      void world.outside(hasGrown).then((grown) => {
        if (grown) for (const listener of listeners) listener([{ kind: 'queue', queue: null }, { kind: 'events' }]);
      });
    });
  };
  return wrapped(storage, {
    around: (name, call) =>
      world.outside(async () => {
        const answer = await call();
        if (!quiet.test(name)) plan();
        return answer;
      }),
    own: {
      [Symbol.asyncDispose]: () => world.outside(async () => storage[Symbol.asyncDispose]()),
      clock: async () => storeNode.wall(),
      // The driver answers from its own memory, without a call.
      lastMove: () => storage.lastMove?.() ?? null,
      // The real server draws its own, in true chance; leases stand in the trace.
      leaseKey: async () => '0'.repeat(32),
      subscribe: async (onWake: (wakes: readonly Wake[]) => void) => {
        listeners.add(onWake);
        return {
          [Symbol.asyncDispose]: async () => {
            listeners.delete(onWake);
          },
        };
      },
    },
  });
}
