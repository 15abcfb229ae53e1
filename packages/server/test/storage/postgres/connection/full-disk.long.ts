import { execFileSync } from 'node:child_process';
import pg from 'pg';
import { test } from 'vitest';
import { survivesFullness } from '../../../support/full-store.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { mayMount, onSmallDisk, smallDisk } from '../../../support/small-disk.ts';
import { server } from '../schema.ts';

test.skipIf(server === null || !mayMount)(
  onSmallDisk(
    'a server whose PostgreSQL has a full disk answers 503 with Retry-After, reads, and goes on when there is room',
  ),
  async () => {
    const disk = smallDisk(12);
    execFileSync('chown', ['postgres', disk.path]);
    await using instance = await startPostgres();
    const client = new pg.Client({ connectionString: instance.url });
    await client.connect();
    // The write-ahead log stays elsewhere: where that is full, PostgreSQL ends itself.
    await client.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
    await client.end();
    const options = encodeURIComponent('-c default_tablespace=small');
    await survivesFullness(`${instance.url}?options=${options}`, disk);
  },
);
