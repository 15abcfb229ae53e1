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
import type { Storage, StoredRecord } from '../../src/storage/storage.ts';
import { storages } from '../support/storages.ts';
import { cronsOf } from './crons-of.ts';
import { temporaryDirectory } from './sqlite/temporary.ts';
import { fill, recordsOf } from './suite/dump.ts';
import { countErrors, newJob, t0 } from './suite/tools.ts';

/** Statements that turn records back into the tables of an earlier layout, as its file makes them. */
function back(storage: 'sqlite' | 'postgres', prefix: string, layout: number): string {
  const baseline = readFileSync(new URL(`${storage}/002_baseline.sql`, sqlFolder), 'utf8');
  const made = (table: string) =>
    new RegExp(`CREATE TABLE ojs[._]${table} [^;]*;(?:\\s*CREATE INDEX [^;]*;)*`).exec(baseline)?.[0] ?? '';
  const isPostgres = storage === 'postgres';
  const member = (name: string, type: string) =>
    isPostgres ? `(body::json ->> '${name}')::${type}` : `body ->> '$.${name}'`;
  const members = [
    ...[member('enabled', 'boolean'), member('dueAt', 'bigint'), member('runCount', 'bigint')],
    ...[member('lastRunAt', 'bigint'), member('lastJob', 'text'), 'created_at', 'updated_at', member('spec', 'text')],
  ];
  const crons = `${made('crons')}
    INSERT INTO ojs_crons SELECT key, version, ${members.join(', ')} FROM ojs_records WHERE kind = 'cron';
    DELETE FROM ojs_records WHERE kind IN ('cron', 'cron_due');`;
  const documents = `${made('documents')} ${made('audit')}
    INSERT INTO ojs_documents SELECT * FROM ojs_records WHERE kind <> 'audit';
    INSERT INTO ojs_audit SELECT ${isPostgres ? 'key::uuid' : 'key'}, body FROM ojs_records WHERE kind = 'audit';
    DROP TABLE ojs_records;`;
  return `${crons} ${layout > 2 ? '' : documents}`.replaceAll(/\bojs[._]/g, prefix);
}

/** Redis answers some kinds in no order. */
function sorted(dumped: readonly DumpRecord[]): readonly DumpRecord[] {
  const records = dumped.map((one) => (one.kind === 'record' ? { ...one, record: withoutSpaces(one.record) } : one));
  const texts = new Map(records.map((record) => [record, JSON.stringify(record)]));
  return records.toSorted((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1));
}

/** A database has its own way to write the JSON of a cron. */
function withoutSpaces(record: StoredRecord): StoredRecord {
  return record.kind === 'cron' ? { ...record, body: JSON.stringify(JSON.parse(record.body)) } : record;
}

const ways: Readonly<Record<string, (url: string, steps: number) => Promise<void>>> = {
  async sqlite(url, steps) {
    const database = new DatabaseSync(url.slice('sqlite:'.length));
    database.exec(`${back('sqlite', 'ojs_', 4 - steps)} PRAGMA user_version = ${4 - steps}`);
    database.close();
  },

  async postgres(url, steps) {
    const { searchParams } = new URL(url);
    const schema = `${searchParams.get('schema')}.`;
    const client = new pg.Client({ connectionString: url.split('?')[0] });
    await client.connect();
    await client.query(`${back('postgres', schema, 4 - steps)} UPDATE ${schema}layout SET version = ${4 - steps}`);
    await client.end();
  },

  async redis(url, steps) {
    const prefix = `{${new URL(url).searchParams.get('namespace')}}:`;
    const client = new Redis(url.split('?')[0] ?? '');
    await using storage = await openStorage(url);
    for (const { name, spec, enabled, dueAt, runCount, ...times } of await cronsOf(storage).list()) {
      const { lastRunAt, lastJob, createdAt, updatedAt, version } = times;
      const run = lastRunAt === null ? [] : ['lr', lastRunAt, 'lj', lastJob ?? ''];
      const fields = ['sp', spec, 'en', enabled ? '1' : '', 'due', dueAt ?? '', 'rc', runCount, ...run];
      await client.hset(`${prefix}c:${name}`, ...fields, 'at', createdAt, 'up', updatedAt, 'v', version);
      await client.sadd(`${prefix}crons`, name);
      if (enabled && dueAt !== null) await client.zadd(`${prefix}crons:due`, dueAt, name);
    }
    for (const kind of ['cron', 'cron_due'])
      await client.del(`${prefix}records:${kind}`, `${prefix}record_keys:${kind}`);
    for (const kind of steps > 1 ? ['schema', 'audit'] : []) {
      for (const record of await storage.records.scan(kind, { limit: 9 })) {
        if (kind === 'audit') await client.zadd(`${prefix}audit`, 0, record.key + record.body);
        else await client.hset(`${prefix}doc:${kind}`, record.key, recordText(record));
      }
      await client.del(`${prefix}records:${kind}`, `${prefix}record_keys:${kind}`);
    }
    await client.hset(`${prefix}layout`, 'version', 6 - steps);
    await client.quit();
  },
};

const stores = storages.filter(({ name }) => ways[name] !== undefined);

test.each([1, 2].flatMap((steps) => stores.map((store) => ({ ...store, steps }))))(
  'a store that is $steps layouts behind is migrated once, with all that is in it, $name',
  async ({ name, url, steps }) => {
    // A temporary file goes with its storage.
    const target = name === 'sqlite' ? `sqlite:${join(temporaryDirectory(), 'jobs.db')}` : url();
    await using storage = await openStorage(target);
    const { to } = await storage.migrate();
    await fill(storage);
    await fillCrons(storage);
    const before = sorted(await recordsOf(storage));
    const crons = await cronsOf(storage).list();
    expect(before.filter(({ kind }) => kind === 'record')).toHaveLength(7);
    await ways[name]?.(target, steps);
    await using upgraded = await openStorage(target);
    // PostgreSQL has one more, which changes no rows.
    const later = name === 'postgres' ? ['_compression'] : [];
    const from = to - steps - later.length;
    const files = [...['_records', '_crons'].slice(-steps), ...later].map((file) => expect.stringContaining(file));
    expect(await upgraded.layout()).toMatchObject({ from, to, steps: files });
    expect(await upgraded.migrate()).toEqual({ from, to });
    expect(sorted(await recordsOf(upgraded))).toEqual(before);
    expect(await cronsOf(upgraded).list()).toEqual(crons);
    expect(await countErrors(upgraded)).toEqual([]);
    expect(await upgraded.migrate()).toEqual({ from: to, to });
    expect(sorted(await recordsOf(upgraded))).toEqual(before);
  },
);

/** Beside the cron that will run: one that has run, with a text that JSON escapes, and one that is paused. */
async function fillCrons(storage: Storage): Promise<void> {
  const crons = cronsOf(storage);
  const due = { name: 'a.b-1', spec: '{"d":"\\u0000 \\" / ä \u2028","n":1.0}', enabled: true, dueAt: t0 };
  await crons.put(due, t0);
  const firing = { name: due.name, version: t0, dueAt: null, job: newJob(900, { cron: due.name }) };
  await crons.fire([{ ...firing, cancels: [], events: [] }], t0);
  await crons.put({ ...due, name: 'off', enabled: false, spec: '{}' }, t0);
}
