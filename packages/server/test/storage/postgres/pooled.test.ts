import { expect } from 'vitest';
import { Database } from '../../../src/storage/postgres/connection/database.ts';
import { readPostgresUrl } from '../../../src/storage/postgres/connection/url.ts';
import { newSchema, test } from './schema.ts';

test.each(['true', 'false'])(
  'single statements have the settings of all others, with pgbouncer=%s',
  async (pgbouncer) => {
    const database = new Database(readPostgresUrl(newSchema({ pgbouncer })), true, () => {});
    try {
      const shown = async (name: string) => (await database.query(`SELECT current_setting('${name}')`))[0]?.[0];
      expect(await shown('statement_timeout')).toBe('30s');
      expect(await shown('enable_seqscan')).toBe('off');
    } finally {
      await database.close();
    }
  },
);
