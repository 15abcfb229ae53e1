import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { survivesFullness } from '../../support/full-store.ts';
import { startRedis } from '../../support/redis.ts';
import { mayMount, onSmallDisk, smallDisk } from '../../support/small-disk.ts';
import { server } from './namespace.ts';

test.skipIf(server === null || !mayMount)(
  onSmallDisk(
    'while Redis cannot write its AOF the server answers writes with 503 and Retry-After, reads work, and space on the disk ends that',
  ),
  async () => {
    const disk = smallDisk(12);
    await using instance = await startRedis({ appendonly: 'everysec', data: disk.path });
    await using ending = new AsyncDisposableStack();
    const admin = ending.adopt(new Redis(instance.url), (client) => client.disconnect());
    const written = async () => (await admin.info('persistence')).includes('aof_last_write_status:ok');
    await survivesFullness(instance.url, {
      fill: () => disk.fill(),
      // Redis tries again once a second.
      async free() {
        disk.free();
        await expect.poll(written, { timeout: 20_000 }).toBe(true);
      },
    });
  },
);
