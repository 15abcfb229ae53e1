import { setTimeout as pause } from 'node:timers/promises';
import { cliOf } from '../child.ts';
import { Statuses } from '../memory/requests.ts';
import { peakRssBytes } from '../process.ts';
import { startServer } from '../server.ts';
import { freshStore } from '../store.ts';
import { type Attack, recursiveSchema } from './attacks.ts';

export interface HostileOptions {
  readonly storage: string;
  readonly seconds: number;
  /** Of the server, in MiB. */
  readonly heap: number;
  /** The most queues that jobs create; default the server's. */
  readonly queues?: string | undefined;
  /** The checkout whose server is attacked. */
  readonly server: string;
}

export interface HostileRun {
  /** Milliseconds of each call of the other client. */
  readonly enqueue: readonly number[];
  readonly manifest: readonly number[];
  readonly residentBytes: number;
  /** Whether the attack has ended the server. */
  readonly ended: boolean;
  readonly statuses: Statuses['all'];
}

const secrets = { victim: 'secret-of-the-victim', hostile: 'secret-of-the-hostile' };
const headers = { authorization: `Bearer ${secrets.victim}`, 'content-type': 'application/json' };
const job = { type: 'other.type', args: [] };

/** One hostile client at a server of its own, and what another client's calls take meanwhile. */
export async function hostile(
  attack: Attack,
  { storage, seconds, heap, queues, server }: HostileOptions,
): Promise<HostileRun> {
  await using store = await freshStore(storage);
  const env = {
    NODE_OPTIONS: `--max-old-space-size=${heap}`,
    OJS_TOKEN: `admin:${secrets.victim} producer,inspector:${secrets.hostile}`,
    ...(queues !== undefined && { OJS_MAX_QUEUES: queues }),
  };
  await using running = await startServer(store.storage, { env, cli: cliOf(server) });
  const { url, pid } = running;
  let [ended, isOver] = [false, false];
  running.process.once('exit', () => {
    ended = true;
  });
  const statuses = new Statuses();
  const target = { url, token: secrets.hostile, statuses, isOver: () => ended || isOver };
  const call = async (path: string, body?: object): Promise<number> => {
    const from = performance.now();
    const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    await fetch(url + path, init).then((answer) => answer.text());
    return performance.now() - from;
  };
  const [enqueue, manifest]: [number[], number[]] = [[], []];
  let residentBytes = 0;
  try {
    await call('/ojs/v1/schemas', recursiveSchema);
    const run = await attack.prepare(target);
    await call('/ojs/v1/jobs', job);
    const attacking = run();
    await pause(2_000);
    for (const end = performance.now() + seconds * 1_000; !ended && performance.now() < end; await pause(20)) {
      enqueue.push(await call('/ojs/v1/jobs', job));
      manifest.push(await call('/ojs/manifest'));
      residentBytes = peakRssBytes(pid);
    }
    isOver = true;
    await attacking;
  } catch (error) {
    // A call fails as a whole where the server is gone.
    isOver = true;
    await pause(1_000);
    if (!ended) throw error;
  }
  return { enqueue, manifest, residentBytes, ended, statuses: statuses.all };
}
