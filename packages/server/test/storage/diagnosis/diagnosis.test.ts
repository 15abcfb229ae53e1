import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { bytesText } from '../../../src/storage/diagnosis.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { Database } from '../../../src/storage/postgres/connection/database.ts';
import { indexes } from '../../../src/storage/postgres/connection/migrate.ts';
import { readPostgresUrl } from '../../../src/storage/postgres/connection/url.ts';
import { diagnose } from '../../../src/storage/postgres/diagnosis.ts';
import { findingsIn } from '../../../src/storage/redis/diagnosis.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import { storages } from '../../support/storages.ts';
import { newSchema, openPostgres, server } from '../postgres/schema.ts';

describe.each(storages)('$name', ({ name, url }) => {
  test('has findings that say what to do', async () => {
    await using storage = await openStorage(url());
    await storage.migrate();
    const findings = await storage.diagnose();
    for (const { message, remedy, severity } of findings) {
      expect(['error', 'warning']).toContain(severity);
      expect(message).toMatch(/\.$/);
      expect(remedy.length).toBeGreaterThan(10);
    }
    // The servers of tests synchronise nothing, and keep nothing on a disk.
    const expected = { memory: [], sqlite: [], postgres: ['sync_off', 'sync_off'], redis: ['no_persistence'] };
    const codes = findings
      .map(({ code }) => code)
      .filter((code) => code !== 'few_connections' && code !== 'held_snapshot');
    expect(codes).toEqual(expected[name]);
  });
});

test('an SQLite file tells of unsafe synchronisation', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'ojs-diagnosis-')), 'jobs.db');
  await using storage = sqliteStorage({ path, synchronous: 'OFF' });
  await storage.migrate();
  expect((await storage.diagnose()).filter(({ code }) => code !== 'disk_low')).toMatchObject([
    { code: 'unsafe_sync', message: expect.stringContaining('synchronous=OFF') },
  ]);
});

describe.skipIf(server === null)('PostgreSQL', () => {
  test('tells of a missing index and of an open transaction', async () => {
    const url = newSchema();
    await using _storage = await openPostgres(url);
    const address = readPostgresUrl(url);
    const database = new Database(address, false, () => {});
    const other = new pg.Client({ connectionString: server ?? '', application_name: 'a forgotten shell' });
    await other.connect();
    try {
      await other.query(`DROP INDEX ${address.schema}.due_time`);
      await other.query('BEGIN');
      await other.query('SELECT 1');
      const findings = await diagnose(database, 0);
      const missing = findings.filter(({ code }) => code === 'missing_index');
      expect(missing).toMatchObject([{ severity: 'error', message: expect.stringContaining('due_time') }]);
      await other.query('ROLLBACK');
      for (const statement of missing[0]?.remedy.split('; ') ?? []) await other.query(statement);
      expect((await diagnose(database)).filter(({ code }) => code === 'missing_index')).toEqual([]);
      for (const [, statement] of indexes(address.schema)) expect(statement).toContain(` ON "${address.schema}".`);
      expect(findings.filter(({ message }) => message.includes('a forgotten shell'))).toMatchObject([
        { code: 'held_snapshot', remedy: expect.stringContaining('pg_terminate_backend') },
      ]);
      // Minutes later nobody would wonder.
      expect((await diagnose(database)).filter(({ message }) => message.includes('a forgotten shell'))).toEqual([]);
    } finally {
      await other.end();
      await database.close();
    }
  });
});

describe('INFO of Redis', () => {
  const healthy =
    'role:master\r\nused_memory:100\r\nmaxmemory:0\r\naof_enabled:1\r\naof_last_write_status:ok\r\nrdb_last_bgsave_status:ok\r\n';
  test.each([
    [healthy, []],
    [healthy.replace('aof_enabled:1', 'aof_enabled:0'), ['no_persistence']],
    [healthy.replace('write_status:ok', 'write_status:err'), ['write_failed']],
    [healthy.replace('bgsave_status:ok', 'bgsave_status:err'), ['write_failed']],
    [healthy.replace('maxmemory:0', 'maxmemory:105'), ['memory_low']],
    [healthy.replace('role:master', 'role:slave'), ['behind_replica']],
  ])('%j', (info, codes) => {
    expect(findingsIn('Redis', info).map(({ code }) => code)).toEqual(codes);
  });
});

test.each([
  [0, '0 bytes'],
  [1_023, '1023 bytes'],
  [1_536, '1.5 KiB'],
  [2 ** 30, '1.0 GiB'],
  [2 ** 52, '4096.0 TiB'],
])('%d bytes are %s', (bytes, words) => {
  expect(bytesText(bytes)).toBe(words);
});
