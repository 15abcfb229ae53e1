import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../../../../src/main.ts';
import { openStorage } from '../../../../src/storage/open.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { findPgbouncer, startPgbouncer } from '../../../support/pgbouncer.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { within } from '../../../support/storages.ts';
import { exerciseStorage } from '../../suite/exercise.ts';

const binary = await findPgbouncer();

describe.skipIf(binary === null)('PgBouncer in transaction mode', () => {
  let started: AsyncDisposableStack;
  let plain = '';
  let shared = '';
  const pooled = (url: string) => `${url}&pgbouncer=true`;
  beforeAll(async () => {
    started = new AsyncDisposableStack();
    const postgres = started.use(await startPostgres());
    plain = started.use(await startPgbouncer(binary ?? '', postgres.url)).url;
    shared = pooled(within(plain, 'schema'));
  });
  afterAll(() => started.disposeAsync());

  const open = async (options = {}): Promise<Storage> => {
    const storage = await openStorage(shared, options);
    await storage.migrate();
    await storage.clear();
    return storage;
  };
  exerciseStorage({ name: 'behind PgBouncer', open, openUnlogged: () => open({ events: false }) });

  test('servers that start at once share a store, and a long poll on one finds the job of the other, by polling', async () => {
    const storage = pooled(within(plain, 'schema'));
    const servers = await Promise.all([0, 1].map(() => startServer({ storage, port: 0, log: false })));
    await using ending = new AsyncDisposableStack();
    const [one = '', other = ''] = servers.map((server) => ending.use(server).url);
    const post = async (url: string, path: string, body: object) => {
      const headers = { 'content-type': 'application/openjobspec+json' };
      const response = await fetch(`${url}/ojs/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await response.json()) as { readonly job: { readonly id: string } };
    };
    const held = post(other, '/workers/fetch', { queues: ['mail'], worker_id: 'w', wait_ms: 20_000 });
    const { job } = await post(one, '/jobs', { type: 'mail.send', args: [1], options: { queue: 'mail' } });
    expect(await held).toMatchObject({ jobs: [{ id: job.id, args: [1] }] });
    expect((await (await fetch(`${one}/ojs/manifest`)).text()).includes('polling')).toBe(true);
  });

  test('a URL without the option is refused with advice, not reported as an unreachable server', async () => {
    await using storage = await openStorage(within(plain, 'schema'));
    const error = await storage.migrate().catch((error: unknown) => error);
    expect(error).not.toBeInstanceOf(StoreUnavailable);
    expect(String(error)).toMatch(/unsupported startup parameter.*add pgbouncer=true to the URL/);
  });
});
