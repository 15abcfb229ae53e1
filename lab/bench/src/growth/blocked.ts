import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Server } from '../server.ts';

/** To be loaded before a server, for {@link blockedMs}. */
export const loopDelay = fileURLToPath(new URL('loop-delay.ts', import.meta.url));

/** For how long the server's event loop was blocked at most since the last call, in milliseconds. */
export async function blockedMs({ process }: Server): Promise<number> {
  const answered = once(process, 'message');
  process.send('blocked');
  const [ms] = await answered;
  return Number(ms);
}
