import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type CronRecord, recordsOfCron } from '@ojs-ts/core/cron';
import { type AuditRecord, auditRecord } from './engine/access/audit-log.ts';
import { restoredOperation } from './engine/bulk/bulk-records.ts';
import { version } from './files.ts';
import type { DumpRecord, Storage, StoredRecord } from './storage/storage.ts';

/** Version of the format. 1 was that of versions before the first release, and is refused. */
const formatVersion = 4;
/** The oldest version that is read: it has documents and entries of the audit log as kinds of their own. */
const oldestVersion = 2;

/**
 * The first line of a backup. Then one line for each record, as {@link DumpRecord}, and a {@link Trailer}: a file
 * without one was truncated.
 */
interface Header {
  readonly format: 'ojs-backup';
  readonly version: number;
  /** The source, for people: any storage can read the backup. */
  readonly storage: string;
  readonly layout: number;
  readonly software: string;
  readonly at: string;
}

interface Trailer {
  readonly kind: 'end';
  /** Records by kind. */
  readonly counts: Counts;
  /** SHA-256 of all lines before, in hexadecimal digits. */
  readonly sha256: string;
}

/** Kinds that are records now: crons until version 3, the others until version 2. */
type OldRecord =
  | { readonly kind: 'cron'; readonly record: CronRecord }
  | { readonly kind: 'document'; readonly record: StoredRecord }
  | { readonly kind: 'audit'; readonly record: AuditRecord };

type Counts = { readonly [kind: string]: number };

/** A record of the store of records counts under its own kind, as a cron does. */
function count(counts: Record<string, number>, entry: DumpRecord | OldRecord): void {
  const kind = entry.kind === 'record' ? entry.record.kind : entry.kind;
  counts[kind] = (counts[kind] ?? 0) + 1;
}

export interface BackupSummary {
  readonly header: Header;
  readonly counts: Counts;
}

/**
 * Writes the content of the storage as lines of JSON: into the file, compressed if its name ends in `.gz`, or to
 * standard output without a file. The file belongs to its owner alone, and appears when it is complete and on disk. The
 * store may be in use.
 * @throws Error if this version does not know the storage's layout; any error of reading or writing.
 */
export async function writeBackup(storage: Storage, file: string | null): Promise<BackupSummary> {
  const { from, to } = await storage.layout();
  if (from > to) throw new Error(`the store has layout ${from}; this version knows ${to}. Use the newer version.`);
  if (from < to)
    throw new Error(
      `the store has layout ${from}; this version reads ${to}. Use the version that serves it, or migrate it first.`,
    );
  const header: Header = {
    ...{ format: 'ojs-backup', version: formatVersion, storage: storage.traits.name, layout: to, software: version },
    at: new Date(await storage.clock()).toISOString(),
  };
  const counts: Record<string, number> = {};
  const text = Readable.from(lines(storage, header, counts), { objectMode: false });
  if (file === null) {
    await pipeline(text, process.stdout, { end: false });
    return { header, counts };
  }
  const partial = `${file}.partial`;
  try {
    // One of an aborted backup would keep its mode.
    await rm(partial, { force: true });
    const target = createWriteStream(partial, { flush: true, mode: 0o600 });
    await (file.endsWith('.gz') ? pipeline(text, createGzip(), target) : pipeline(text, target));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { header, counts };
}

async function* lines({ backup }: Storage, header: Header, counts: Record<string, number>): AsyncIterable<string> {
  const hash = createHash('sha256');
  const hashed = (text: string) => {
    hash.update(text);
    return text;
  };
  yield hashed(`${JSON.stringify(header)}\n`);
  for await (const page of backup.dump()) {
    for (const record of page) count(counts, record);
    yield hashed(page.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  const trailer: Trailer = { kind: 'end', counts, sha256: hash.digest('hex') };
  yield `${JSON.stringify(trailer)}\n`;
}

/**
 * Reads the whole file and returns its content; `pages` reads it once more, for a storage's `restore`.
 * @throws Error if the file is no backup, is newer than this version, was truncated, or has changed since it was
 * written.
 */
export async function readBackup(
  file: string,
): Promise<BackupSummary & { readonly pages: () => AsyncIterable<readonly DumpRecord[]> }> {
  const hash = createHash('sha256');
  const counts: Record<string, number> = {};
  let header: Header | null = null;
  let trailer: Trailer | null = null;
  for await (const line of linesOf(file)) {
    if (trailer) throw new Error(`${file} has data after its last line.`);
    const value: unknown = parse(line);
    if (!header) {
      header = readHeader(value, file);
    } else {
      if (!isEntry(value)) throw new Error(`${file} is damaged: one of its lines is no record.`);
      if (value.kind === 'end') {
        trailer = value;
        continue;
      }
      count(counts, value);
    }
    hash.update(`${line}\n`);
  }
  if (!header) throw new Error(`${file} is empty.`);
  if (!trailer) throw cutOff(file, 'its last line is missing');
  if (trailer.sha256 !== hash.digest('hex'))
    throw new Error(`${file} is damaged: its lines have changed since it was written.`);
  return { header, counts, pages: () => pagesOf(file) };
}

async function* pagesOf(file: string): AsyncIterable<readonly DumpRecord[]> {
  let page: DumpRecord[] = [];
  for await (const line of linesOf(file)) {
    const entry = parse(line);
    // The header is no entry.
    if (!isEntry(entry) || entry.kind === 'end') continue;
    if (page.push(...restored(entry)) < 100) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** The records as this version keeps them. */
function restored(entry: DumpRecord | OldRecord): readonly DumpRecord[] {
  switch (entry.kind) {
    case 'record':
    case 'document':
      return [{ kind: 'record', record: restoredOperation(entry.record) }];
    case 'audit':
      return [{ kind: 'record', record: auditRecord(entry.record) }];
    case 'cron':
      return recordsOfCron(entry.record).map((record) => ({ kind: 'record', record }));
    default:
      return [entry];
  }
}

/** Characters. A file that is no backup may be one line. */
const maxHeader = 65_536;

/** Only a line break ends a line: a JSON text may have Unicode's other separators. */
async function* linesOf(file: string): AsyncIterable<string> {
  let parts: string[] = [];
  let first = true;
  let read = 0;
  const source = createReadStream(file);
  const bytes = file.endsWith('.gz') ? source.pipe(createGunzip()) : source;
  source.on('error', (error) => bytes.destroy(error));
  try {
    for await (const chunk of bytes.setEncoding('utf8')) {
      let from = 0;
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
        parts.push(chunk.slice(from, end));
        yield parts.join('');
        parts = [];
        from = end + 1;
        first = false;
      }
      parts.push(chunk.slice(from));
      read += chunk.length;
      if (first && read > maxHeader) throw new Error(`${file} is no backup of ojs.`);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR') {
      throw cutOff(file, 'its compressed data end early');
    }
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw new Error(`${file} is damaged, or is not a gzip file despite its name.`, { cause: error });
    }
    throw error;
  }
  const rest = parts.join('');
  if (rest === '') return;
  if (first) yield rest;
  else throw cutOff(file, 'its last line has no end');
}

function cutOff(file: string, why: string): Error {
  return new Error(`${file} is incomplete: ${why}. It cannot be restored.`);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function readHeader(value: unknown, file: string): Header {
  if (!isHeader(value)) throw new Error(`${file} is no backup of ojs.`);
  if (value.version > formatVersion || value.version < oldestVersion) {
    const writer = typeof value.software === 'string' ? ` Version ${value.software} wrote it.` : '';
    const remedy =
      value.version > formatVersion
        ? 'Use the newer version of ojs.'
        : 'Restore it with the version of ojs that wrote it, from before the first release.';
    throw new Error(
      `${file} has version ${value.version} of the format; ` +
        `this version of ojs reads ${oldestVersion} to ${formatVersion}.${writer} ${remedy}`,
    );
  }
  return value;
}

function isHeader(value: unknown): value is Header {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === 'ojs-backup' &&
    'version' in value
  );
}

/** The sum over the lines proves that they are unchanged, so a record is trusted. */
function isEntry(value: unknown): value is DumpRecord | OldRecord | Trailer {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}
