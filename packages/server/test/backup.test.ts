import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { uuidFrom } from '@ojs-ts/core';
import { type CronRecord, CronRecords } from '@ojs-ts/core/cron';
import { newKey } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { readBackup, writeBackup } from '../src/backup.ts';
import { AuditLog } from '../src/engine/access/audit-log.ts';
import { Documents } from '../src/engine/documents.ts';
import { memoryStorage } from '../src/storage/memory/memory.ts';
import { openStorage } from '../src/storage/open.ts';
import type { DumpRecord } from '../src/storage/storage.ts';
import { temporaryDirectory } from './storage/sqlite/temporary.ts';
import { idOf, ids, insert, newJob, t0 } from './storage/suite/tools.ts';

const envelope = '{"args":[1.0,12345678901234567890,"\u2028 \\u0000 \ud83d\ude00 \r"]}';

async function written(name: string): Promise<string> {
  await using storage = memoryStorage();
  await insert(storage, [newJob(1, { envelope }), ...Array.from({ length: 250 }, (_, index) => newJob(index + 2))]);
  const file = join(temporaryDirectory(), name);
  const { counts } = await writeBackup(storage, file);
  expect(counts.job).toBe(251);
  return file;
}

async function recordsIn(file: string): Promise<readonly DumpRecord[]> {
  const records: DumpRecord[] = [];
  const { pages } = await readBackup(file);
  for await (const page of pages()) records.push(...page);
  return records;
}

describe.each(['jobs.ndjson', 'jobs.ndjson.gz'])('%s', (name) => {
  test('has a header, a line a record and a trailer, and is read back byte for byte', async () => {
    const file = await written(name);
    const bytes = readFileSync(file);
    const lines = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      format: 'ojs-backup',
      version: 4,
      storage: 'memory',
      layout: 0,
    });
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ kind: 'end', counts: { store: 1, queue: 1, job: 251 } });
    const jobs = (await recordsIn(file)).flatMap((one) => (one.kind === 'job' ? [one.record.job] : []));
    expect(ids(jobs)).toEqual(Array.from({ length: 251 }, (_, index) => idOf(index + 1)));
    expect(jobs[0]?.envelope).toBe(envelope);
  });

  test('a truncated file is refused, wherever it ends', async () => {
    const file = await written(name);
    const whole = readFileSync(file);
    for (const length of [1, 5, whole.length >> 1, whole.length - 100, whole.length - 9, whole.length - 2]) {
      writeFileSync(file, whole.subarray(0, length));
      await expect(readBackup(file), `${length} of ${whole.length} bytes`).rejects.toThrow(
        /incomplete|damaged|no backup/,
      );
    }
    writeFileSync(file, '');
    await expect(readBackup(file)).rejects.toThrow(/empty|incomplete/);
  });
});

test('a new file belongs to its owner alone, even where one of an aborted backup was left for everybody', async () => {
  const file = await written('jobs.ndjson');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await using storage = memoryStorage();
  writeFileSync(`${file}.partial`, '');
  chmodSync(`${file}.partial`, 0o644);
  await writeBackup(storage, file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a long first line is no header, and is not read to its end', async () => {
  const file = join(temporaryDirectory(), 'line.ndjson.gz');
  const whole = gzipSync('x'.repeat(8_000_000));
  // Its end is missing, which only a reader of the whole line sees.
  writeFileSync(file, whole.subarray(0, whole.length >> 1));
  await expect(readBackup(file)).rejects.toThrow('is no backup of ojs');
});

test('a record may be longer than many reads of the file', async () => {
  await using storage = memoryStorage();
  const long = `{"args":["${'é '.repeat(400_000)}"]}`;
  await insert(storage, [newJob(1, { envelope: long }), newJob(2)]);
  const file = join(temporaryDirectory(), 'long.ndjson');
  await writeBackup(storage, file);
  const jobs = (await recordsIn(file)).flatMap((one) => (one.kind === 'job' ? [one.record.job] : []));
  expect(jobs.map((job) => job.envelope === long)).toEqual([true, false]);
});

test('a bulk operation that ran is stopped in the restored store', async () => {
  await using storage = memoryStorage();
  for (const state of ['running', 'stopped'])
    await new Documents(storage.records).put('bulk.open', state, JSON.stringify({ id: state, state }), null, 1);
  const file = join(temporaryDirectory(), 'bulk.ndjson');
  await writeBackup(storage, file);
  await using restored = memoryStorage();
  await restored.backup.restore((await readBackup(file)).pages());
  const states = (await new Documents(restored.records).list('bulk.open')).map(({ body }) => JSON.parse(body).state);
  expect(states).toEqual(['stopped', 'stopped']);
});

test('documents, the audit log and crons of an older backup are records', async () => {
  const document = { kind: 'schema', key: 'a', version: 7, createdAt: 1, updatedAt: 2, body: '{"v":1.0}' };
  const running = { ...document, kind: 'bulk.open', body: '{"state":"running"}' };
  const audit = { id: uuidFrom(t0, 1, 0), entry: '{"n":1.0}' };
  const cron: CronRecord = {
    ...{ name: 'nightly', spec: '{"n":1.0}', enabled: true, dueAt: t0, version: 7, createdAt: 1, updatedAt: 2 },
    ...{ runCount: 3, lastRunAt: 4, lastJob: idOf(1) },
  };
  const over = { ...cron, name: 'over', dueAt: null };
  const lines = [
    { format: 'ojs-backup', version: 2 },
    { kind: 'store', record: { seed: 1, leaseKey: newKey(), position: 0, lastStart: 0 } },
    ...[document, running].map((record) => ({ kind: 'document', record })),
    { kind: 'audit', record: audit },
    ...[cron, over].map((record) => ({ kind: 'cron', record })),
  ].map((line) => `${JSON.stringify(line)}\n`);
  const sha256 = createHash('sha256').update(lines.join('')).digest('hex');
  const file = join(temporaryDirectory(), 'old.ndjson');
  writeFileSync(file, `${lines.join('')}${JSON.stringify({ kind: 'end', counts: {}, sha256 })}\n`);
  await using storage = memoryStorage();
  await storage.backup.restore((await readBackup(file)).pages());
  expect(await storage.records.get([document, running])).toEqual([
    document,
    { ...running, body: '{"state":"stopped"}' },
  ]);
  const crons = new CronRecords(storage.records);
  expect([await crons.list(), await crons.due(t0, 9)]).toEqual([[cron, over], [cron]]);
  const log = new AuditLog(storage.records);
  expect(await log.read({ limit: 9 })).toEqual([audit]);
  await log.append([audit]);
  expect(await storage.records.scan('audit', { limit: 9 })).toMatchObject([{ createdAt: t0, version: 1 }]);
});

test('a file whose lines have changed, are missing, or go on is refused', async () => {
  const file = await written('jobs.ndjson');
  const text = readFileSync(file, 'utf8');
  const lines = text.trimEnd().split('\n');
  for (const changed of [
    text.replace('"priority":0', '"priority":1'),
    `${lines.toSpliced(7, 1).join('\n')}\n`,
    `${lines.toSpliced(7, 0, lines[8] ?? '').join('\n')}\n`,
    `${lines.toSpliced(7, 1, 'x').join('\n')}\n`,
    `${text}{"kind":"job"}\n`,
  ]) {
    writeFileSync(file, changed);
    await expect(readBackup(file)).rejects.toThrow(/damaged|after its last line/);
  }
});

test('a newer format, another file, and a name that lies are refused', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'a.ndjson');
  writeFileSync(file, '{"format":"ojs-backup","version":5,"software":"9.0.0"}\n');
  await expect(readBackup(file)).rejects.toThrow(
    /version 5 of the format; this version of ojs reads 2 to 4. Version 9.0.0 wrote it. Use the newer version/,
  );
  writeFileSync(file, '{"format":"ojs-backup","version":1}\n');
  await expect(readBackup(file)).rejects.toThrow(/Restore it with the version of ojs that wrote it/);
  writeFileSync(file, '{"specversion":"1.0"}\n');
  await expect(readBackup(file)).rejects.toThrow(/no backup of ojs/);
  writeFileSync(file, gzipSync('{"format":"ojs-backup","version":2}\n'));
  await expect(readBackup(file)).rejects.toThrow(/no backup of ojs/);
  const zipped = join(directory, 'a.gz');
  writeFileSync(zipped, '{"format":"ojs-backup","version":2}\n');
  await expect(readBackup(zipped)).rejects.toThrow(/is not a gzip file despite its name/);
  await expect(readBackup(join(directory, 'none'))).rejects.toThrow(/ENOENT/);
});

test('a failed dump keeps the previous file', async () => {
  const file = await written('jobs.ndjson');
  const before = readFileSync(file, 'utf8');
  await using storage = memoryStorage();
  const failing = {
    ...storage,
    backup: {
      ...storage.backup,
      // biome-ignore lint/correctness/useYield: it fails before the first page
      async *dump(): AsyncIterable<readonly DumpRecord[]> {
        throw new Error('The store is gone.');
      },
    },
  };
  await expect(writeBackup(failing, file)).rejects.toThrow('The store is gone.');
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test('a member whose name is no column never becomes a part of a statement', async () => {
  await using storage = await openStorage('sqlite:');
  await storage.migrate();
  const record = { kind: 'schema', key: 'a', version: 1, createdAt: 1, updatedAt: 1, body: '1' };
  const named = { ...record, key: 'b', 'x") VALUES (1); --': 1 };
  const store = { seed: 1, leaseKey: newKey(), position: 0, lastStart: 0 };
  const page: readonly DumpRecord[] = [
    { kind: 'store', record: store },
    { kind: 'record', record },
    { kind: 'record', record: named },
  ];
  const pages = async function* () {
    yield page;
  };
  await expect(storage.backup.restore(pages())).rejects.toThrow('x") VALUES (1); --: expected the name of a column');
  expect(await storage.records.get([record])).toEqual([null]);
});
