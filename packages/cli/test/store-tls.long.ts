import { Client } from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { postgresStorage } from '../../server/src/storage/postgres/postgres.ts';
import { redisStorage } from '../../server/src/storage/redis/redis.ts';
import { StoreUnavailable } from '../../server/src/storage/unavailable.ts';
import { selfSigned } from '../../server/test/support/certificate.ts';
import { startPostgres } from '../../server/test/support/postgres.ts';
import { startRedis } from '../../server/test/support/redis.ts';
import { storages } from '../../server/test/support/storages.ts';
import { type Child, serveOn } from './support/processes.ts';

const certificate = selfSigned();
const { certFile } = certificate;
const has = (name: string) => storages.some((storage) => storage.name === name);

/** A job there and back. */
async function roundTrip(server: Child): Promise<void> {
  const url = (await server.line(/listening/)).split(' ').at(-1);
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/openjobspec+json' };
    // On a busy machine a new connection may take longer than the 5 s that it is given.
    for (;;) {
      const response = await fetch(`${url}/ojs/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (response.status !== 503) return response.json();
    }
  };
  const held = post('/workers/fetch', { queues: ['q'], worker_id: 'w', wait_ms: 20_000 });
  expect(await post('/jobs', { type: 't', args: ['kept'], options: { queue: 'q' } })).toMatchObject({
    job: { state: 'available' },
  });
  expect(await held).toMatchObject({ jobs: [{ args: ['kept'] }] });
}

describe('a store that speaks TLS', () => {
  test.skipIf(!has('redis'))('Redis: a trusted certificate connects, another is refused by name', async () => {
    await using redis = await startRedis({ tls: certificate });
    await using server = await serveOn(redis.url, 0, { NODE_EXTRA_CA_CERTS: certFile });
    await roundTrip(server);
    // A call waits as long for a connection. On a busy machine the first may end before the server is heard.
    await using distrustful = await redisStorage({ url: redis.url, timeoutMs: 1_000 });
    await vi.waitFor(async () => {
      const refused = distrustful.ping();
      await expect(refused).rejects.toThrow(StoreUnavailable);
      await expect(refused).rejects.toThrow(/Redis 127\.0\.0\.1.*cannot be reached: self-signed certificate/);
    }, 60_000);
  });

  test.skipIf(!has('postgres'))(
    'PostgreSQL: every connection is encrypted, and verify-full checks the certificate',
    async () => {
      await using postgres = await startPostgres({ tls: certificate });
      await using server = await serveOn(`${postgres.url}?sslmode=verify-full&sslrootcert=${certFile}`, 0);
      await roundTrip(server);
      const client = new Client({ connectionString: postgres.url });
      await client.connect();
      const { rows } = await client.query(
        "SELECT DISTINCT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'ojs ojs'",
      );
      await client.end();
      expect(rows).toEqual([{ ssl: true }]);
      await using distrustful = postgresStorage({ url: `${postgres.url}?sslmode=verify-full` });
      const refused = distrustful.ping();
      await expect(refused).rejects.toThrow(StoreUnavailable);
      await expect(refused).rejects.toThrow(/PostgreSQL at 127\.0\.0\.1.*cannot be reached: self-signed certificate/);
    },
  );
});
