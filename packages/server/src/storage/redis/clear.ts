import { text } from './rows.ts';
import type { Scripts } from './scripts.ts';

/**
 * Removes the keys of the namespace, in pieces, so that a server with others on it goes on working meanwhile; who writes to the namespace then may lose a part.
 * @param all with the layout, which says that the namespace is a store.
 */
export async function clear(scripts: Scripts, all: boolean): Promise<void> {
  let cursor = '0';
  do cursor = text(await scripts.exchange('clear', { cursor, all }));
  while (cursor !== '0');
}
