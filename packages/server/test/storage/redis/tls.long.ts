import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect } from 'vitest';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import { selfSigned } from '../../support/certificate.ts';
import { startRedisCluster, startRedisPair } from '../../support/redis.ts';
import { claim, idOf, ids, insert, newJob } from '../suite/tools.ts';
import { test } from './namespace.ts';

const certificate = selfSigned();
const trusted = getCACertificates('default');
// What NODE_EXTRA_CA_CERTS does for a process.
beforeAll(() => setDefaultCACertificates([...trusted, readFileSync(certificate.certFile, 'utf8')]));
afterAll(() => setDefaultCACertificates(trusted));

const kinds = [
  ['a cluster', startRedisCluster],
  ['sentinels', startRedisPair],
] as const;

test.each(kinds)('%s whose servers speak nothing but TLS', async (_, start) => {
  await using servers = await start({ tls: certificate });
  await using storage = await redisStorage({ url: servers.url });
  await storage.migrate();
  await using other = await redisStorage({ url: servers.url });
  let tell = () => {};
  const woken = new Promise<void>((resolve) => {
    tell = resolve;
  });
  await using _heard = await other.subscribe(tell);
  await insert(storage, [newJob(1)]);
  await woken;
  expect(ids(await claim(other))).toEqual([idOf(1)]);
});
