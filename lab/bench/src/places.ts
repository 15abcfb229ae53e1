import { startPostgres } from '../../../packages/server/test/support/postgres.ts';
import { startRedis } from '../../../packages/server/test/support/redis.ts';
import { namesOf, storageOf } from './arguments.ts';
import { kindOf, type StoreKind } from './store.ts';

/** Where an instrument makes its stores. */
export interface Place extends AsyncDisposable {
  readonly kind: StoreKind;
  /** As {@link storageOf} reads it. */
  readonly storage: string;
}

export const titles: Readonly<Record<StoreKind, string>> = {
  memory: 'memory',
  sqlite: 'SQLite',
  postgres: 'PostgreSQL',
  redis: 'Redis',
};

export const kinds = ['memory', 'sqlite', 'postgres', 'redis'] as const;

export const placesUsage = `--storage NAMES     ${kinds.join(', ')}; by commas. postgres and redis start a server for this run; a URL names one that is there`;

/** The places that `--storage` names, each opened when its turn comes. */
export function placesOf(text: string): readonly (() => Promise<Place>)[] {
  return text.split(',').map((one) => {
    const kind = kindOf(one);
    if (kind !== null) {
      const storage = storageOf(one);
      return async () => ({ kind, storage, async [Symbol.asyncDispose]() {} });
    }
    const [name = 'memory'] = namesOf('storage', one, kinds);
    return () => openPlace(name);
  });
}

/** A server of the run's own for PostgreSQL, which synchronises its log, and for Redis, which keeps none. */
async function openPlace(kind: StoreKind): Promise<Place> {
  if (kind === 'memory' || kind === 'sqlite') return { kind, storage: `${kind}:`, async [Symbol.asyncDispose]() {} };
  const instance = await (kind === 'postgres' ? startPostgres({ fsync: true }) : startRedis());
  return { kind, storage: instance.url, [Symbol.asyncDispose]: () => instance[Symbol.asyncDispose]() };
}
