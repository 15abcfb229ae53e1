import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Database } from '../../../src/storage/postgres/connection/database.ts';
import { sessionSettings } from '../../../src/storage/postgres/connection/settings.ts';
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

test('the page about PostgreSQL gives a role the settings of a session', () => {
  const page = readFileSync(new URL('../../../../../docs/operate/postgresql.md', import.meta.url), 'utf8');
  const given = [...page.matchAll(/^ALTER ROLE ojs SET (\w+) = (\w+);$/gm)].map(([, name, value]) => [name, value]);
  expect(Object.fromEntries(given)).toEqual(sessionSettings);
});
