import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';
import { sqlFolder } from '../../src/files.ts';
import type { DumpRecord } from '../../src/storage/backup.ts';
import { openStorage } from '../../src/storage/open.ts';
import { recordText } from '../../src/storage/redis/records.ts';
import { storages } from '../support/storages.ts';
import { temporaryDirectory } from './sqlite/temporary.ts';
import { fill, recordsOf } from './suite/dump.ts';
import { countErrors } from './suite/tools.ts';

/** Statements that turn records back into the tables of the layout before, as its file makes them. */
function back(storage: 'sqlite' | 'postgres', prefix: string): string {
  const baseline = readFileSync(new URL(`${storage}/002_baseline.sql`, sqlFolder), 'utf8');
  const made = ['documents', 'audit'].map(
    (table) => new RegExp(`CREATE TABLE ojs[._]${table} [^;]*;`).exec(baseline)?.[0] ?? '',
  );
  const id = storage === 'postgres' ? 'key::uuid' : 'key';
  const fill = `INSERT INTO ojs_documents SELECT * FROM ojs_records WHERE kind <> 'audit';
    INSERT INTO ojs_audit SELECT ${id}, body FROM ojs_records WHERE kind = 'audit'; DROP TABLE ojs_records;`;
  return `${made.join('\n')}\n${fill}`.replaceAll(/\bojs[._]/g, prefix);
}

/** Redis answers some kinds in no order. */
function sorted(records: readonly DumpRecord[]): readonly DumpRecord[] {
  const texts = new Map(records.map((record) => [record, JSON.stringify(record)]));
  return records.toSorted((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1));
}

const ways: Readonly<Record<string, (url: string) => Promise<void>>> = {
  async sqlite(url) {
    const database = new DatabaseSync(url.slice('sqlite:'.length));
    database.exec(`${back('sqlite', 'ojs_')} PRAGMA user_version = 2`);
    database.close();
  },

  async postgres(url) {
    const { searchParams } = new URL(url);
    const schema = `${searchParams.get('schema')}.`;
    const client = new pg.Client({ connectionString: url.split('?')[0] });
    await client.connect();
    await client.query(`${back('postgres', schema)} UPDATE ${schema}layout SET version = 2`);
    await client.end();
  },

  async redis(url) {
    const prefix = `{${new URL(url).searchParams.get('namespace')}}:`;
    const client = new Redis(url.split('?')[0] ?? '');
    await using storage = await openStorage(url);
    for (const kind of ['schema', 'audit']) {
      for (const record of await storage.records.scan(kind, { limit: 9 })) {
        if (kind === 'audit') await client.zadd(`${prefix}audit`, 0, record.key + record.body);
        else await client.hset(`${prefix}doc:${kind}`, record.key, recordText(record));
      }
      await client.del(`${prefix}records:${kind}`, `${prefix}record_keys:${kind}`);
    }
    await client.hset(`${prefix}layout`, 'version', 4);
    await client.quit();
  },
};

test.each(storages.filter(({ name }) => ways[name] !== undefined))(
  'a store of the layout before is migrated once, with all that is in it, $name',
  async ({ name, url }) => {
    // A temporary file goes with its storage.
    const target = name === 'sqlite' ? `sqlite:${join(temporaryDirectory(), 'jobs.db')}` : url();
    await using storage = await openStorage(target);
    const { to } = await storage.migrate();
    await fill(storage);
    const before = sorted(await recordsOf(storage));
    expect(before.filter(({ kind }) => kind === 'record')).toHaveLength(3);
    await ways[name]?.(target);
    await using upgraded = await openStorage(target);
    expect(await upgraded.layout()).toMatchObject({ from: to - 1, to, steps: [expect.stringContaining('_records')] });
    expect(await upgraded.migrate()).toEqual({ from: to - 1, to });
    expect(sorted(await recordsOf(upgraded))).toEqual(before);
    expect(await countErrors(upgraded)).toEqual([]);
    expect(await upgraded.migrate()).toEqual({ from: to, to });
    expect(sorted(await recordsOf(upgraded))).toEqual(before);
  },
);
