import { Redis } from 'ioredis';
import { isProgram } from '../process.ts';
import type { FreshStore, Size } from './fresh-store.ts';
import { freshName } from './names.ts';

const settings = ['appendonly', 'appendfsync', 'save', 'maxmemory-policy'];

/** A namespace of its own in the server that the URL names: all its keys have `{NAMESPACE}` in their names. */
export async function freshNamespace(storage: string): Promise<FreshStore> {
  const url = new URL(storage);
  if (url.searchParams.has('namespace'))
    throw new Error('the benchmark makes and removes a namespace of its own; leave namespace= out');
  const namespace = freshName();
  const client = new Redis(storage, { maxRetriesPerRequest: 1 });
  // Each command says by itself what went wrong.
  client.on('error', () => {});
  url.searchParams.set('namespace', namespace);
  // Names hold bytes that are no text.
  const keys = () => client.scanBufferStream({ match: `*{${namespace}}*`, count: 5_000 });
  return {
    storage: url.toString(),
    settings: await describe(client),
    pid: await pidOf(client),
    async sizes(): Promise<readonly Size[]> {
      const names = new Set<string>();
      for await (const some of keys()) for (const name of some) names.add(name.toString('latin1'));
      return [
        { what: 'keys', value: names.size, flat: true },
        { what: 'used_memory', value: Number(field(await client.info('memory'), 'used_memory')), flat: false },
      ];
    },
    details: async () => [],
    async connections(ports) {
      const list = String(await client.client('LIST'));
      return list.split('\n').filter((line) => ports.has(Number(/ addr=\S*:(\d+) /.exec(line)?.[1]))).length;
    },
    async [Symbol.asyncDispose]() {
      for await (const some of keys()) if (some.length > 0) await client.unlink(...some);
      // What the next run finds resident is not what this one has left.
      await client.call('MEMORY', 'PURGE');
      client.disconnect();
    },
  };
}

/** Null where the server runs on another machine. */
async function pidOf(client: Redis): Promise<number | null> {
  const pid = Number(field(await client.info('server'), 'process_id'));
  return isProgram(pid, /^(redis|valkey)/) ? pid : null;
}

async function describe(client: Redis): Promise<string> {
  const info = await client.info('server');
  const valkey = field(info, 'valkey_version');
  const pairs: string[] = [];
  for (const name of settings) {
    const answer = await client.config('GET', name);
    const value = Array.isArray(answer) ? String(answer[1]) : '';
    pairs.push(`${name}=${value === '' ? "''" : value}`);
  }
  return `${valkey === '' ? `Redis ${field(info, 'redis_version')}` : `Valkey ${valkey}`}: ${pairs.join(' ')}`;
}

/** '' where the text has no such line. */
function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
}
