import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { readAddress } from '../../../../src/storage/redis/connection/address.ts';
import { connect, disconnect } from '../../../../src/storage/redis/connection/client.ts';
import { selfSigned } from '../../../support/certificate.ts';
import { findRedis, startRedis } from '../../../support/redis.ts';

test.skipIf(findRedis() === null)(
  'a client that is closed while it negotiates TLS does not end the process',
  async () => {
    await using redis = await startRedis({ tls: selfSigned() });
    const uncaught: unknown[] = [];
    const hear = (error: unknown) => uncaught.push(error);
    process.prependListener('uncaughtException', hear);
    for (let count = 0; count < 20; count++) {
      const client = connect(readAddress(redis.url), 5_000);
      if (!(client instanceof Redis)) throw new TypeError('This is a cluster.');
      client.on('error', () => {});
      while (client.stream === undefined) await setImmediate();
      const { stream } = client;
      if (stream.connecting) await new Promise((connected) => stream.once('connect', connected));
      disconnect(client);
      if (!stream.closed) await new Promise((closed) => stream.once('close', closed));
    }
    process.off('uncaughtException', hear);
    expect(uncaught).toEqual([]);
  },
);
