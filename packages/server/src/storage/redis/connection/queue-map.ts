import { rules } from '@ojs-ts/core/job';

/** Why a server stops that was started with a former map. */
export const mapHasChanged =
  'Another server of this storage was started with other namespaces; restart this one with the same namespaces.';

/** Why nothing may use a store that a restore has filled in part. */
export function unfinishedRestore(name: string): string {
  return (
    `A restore into namespace ${name} has begun and not ended, so jobs are missing. ` +
    'Wait for it; if it was stopped, run ojs restore again, which empties the namespace first.'
  );
}

/** Maps queues to namespaces. */
export interface QueueMap {
  /** The first is the home: of what belongs to no queue. */
  readonly namespaces: readonly [string, ...string[]];
  readonly home: string;
  /** The place in `namespaces` of the one that has all other queues. */
  readonly rest: number;
  /** The place of the queue's namespace in `namespaces`. */
  indexOf(queue: string): number;
  /** One text for maps that say the same. */
  readonly text: string;
}

/** Without the characters that a map uses itself. */
const namespacePattern = /^[\w.-]{1,64}$/;

/**
 * Reads `a:emails,images;b:reports;c:*`: namespaces in their order, and the queues of each. One of them has `*`, for
 * all queues that are not named.
 * @throws Error that says what is wrong.
 */
export function readQueueMap(text: string): QueueMap {
  const wrong = (what: string) =>
    new Error(
      `namespaces=${text}: ${what}; expected NAMESPACE:QUEUE,QUEUE;NAMESPACE:* with one * for all other queues.`,
    );
  const namespaces: string[] = [];
  const places = new Map<string, number>();
  for (const part of text.split(';')) {
    const [name = '', list, ...more] = part.split(':');
    if (!namespacePattern.test(name))
      throw wrong(`'${name}' is no name of a namespace in a map (up to 64 letters, digits, '_', '-' or '.')`);
    if (list === undefined || list === '' || more.length > 0)
      throw wrong(`'${part}' does not name the queues of namespace '${name}'`);
    if (namespaces.includes(name)) throw wrong(`namespace '${name}' occurs twice`);
    for (const queue of list.split(',')) {
      if (queue !== '*' && !rules.queue.is(queue)) throw wrong(`'${queue}' is no name of a queue`);
      if (places.has(queue)) throw wrong(queue === '*' ? 'there is more than one *' : `queue '${queue}' occurs twice`);
      places.set(queue, namespaces.length);
    }
    namespaces.push(name);
  }
  const [home, ...others] = namespaces;
  const rest = places.get('*');
  if (home === undefined || rest === undefined)
    throw wrong('no namespace has *, so most queues would have no namespace');
  const queuesOf = (at: number) => [...places].filter(([, place]) => place === at).map(([queue]) => queue);
  return {
    namespaces: [home, ...others],
    home,
    rest,
    indexOf: (queue) => places.get(queue) ?? rest,
    text: namespaces.map((name, at) => `${name}:${queuesOf(at).sort().join(',')}`).join(';'),
  };
}
