import { randomBytes } from 'node:crypto';
import { type Clock, firstUuidAt, formatTimestamp, type Millis, uuidFrom } from '@ojs-ts/core';
import { type AuditEntry, accessEvents } from '@ojs-ts/core/access';
import type { Records } from '../../storage/storage.ts';
import { coalesce } from '../coalesce.ts';
import type { EngineLog } from '../options.ts';
import { PageSize } from '../page-size.ts';
import { AuditLog, type AuditRecord } from './audit-log.ts';

/** Entries that one page reads at most, where a filter leaves few of them. */
const scan = 10_000;
const maxBatch = 500;
/** A caller that fails again and again in the same way has one entry in this time, in milliseconds. */
const failureMs = 60_000;
const maxFailures = 10_000;

export type NewAuditEntry = Omit<AuditEntry, 'timestamp'>;

export interface AuditQuery {
  /** The entry alone. */
  readonly id: string | null;
  /** Beginning of the type: `queue` has `queue.paused`. */
  readonly type: string | null;
  readonly principal: string | null;
  /** A text of the detail, such as the id of a job. */
  readonly about: string | null;
  readonly since: Millis | null;
  readonly until: Millis | null;
  readonly cursor: string | null;
  readonly limit: number;
}

export interface AuditPage {
  readonly items: readonly AuditRecord[];
  /** Null at the end. */
  readonly next: string | null;
  readonly scanned: number;
}

/** Who did what (ojs-security §11): appended before the call is answered, read newest first. */
export class Audit {
  readonly entries: AuditLog;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #answer: number;
  readonly #append: (record: AuditRecord) => Promise<AuditRecord>;
  /** When each caller last had an entry of each failure, and how many have had none since. */
  readonly #failures = new Map<string, { readonly at: Millis; suppressed: number }>();
  /** One for each engine: before the number in an id, it would mix the order of its entries. */
  readonly #seed = randomBytes(2).readUInt16BE();
  #last = 0;
  #number = 0;

  /** @param answer characters of the entries that one page has, at most by one entry more. */
  constructor(records: Records, clock: Clock, log: EngineLog, answer: number) {
    const entries = new AuditLog(records);
    this.entries = entries;
    this.#clock = clock;
    this.#log = log;
    this.#answer = answer;
    this.#append = coalesce(
      async (records: readonly AuditRecord[]) => {
        await entries.append(records);
        return records;
      },
      { parallel: 1, max: maxBatch, split: false },
    );
  }

  /** Never rejects: the change of the entry is already made. A failure is in the log. */
  async record(entry: NewAuditEntry): Promise<void> {
    const now = this.#clock.now();
    const text = JSON.stringify({ timestamp: formatTimestamp(now), ...entry });
    this.#tell(entry);
    try {
      await this.#append({ id: this.#newId(now), entry: text });
    } catch (error) {
      this.#log.error({ err: error, event_type: entry.event_type }, 'audit entry not written');
    }
  }

  /**
   * How many failures of the kind have had no entry since the last one; null while this one gets none either. Each
   * server counts its own.
   */
  suppressed(principal: string, operation: string, code: string): number | null {
    const key = `${principal} ${operation} ${code}`;
    const now = this.#clock.now();
    const last = this.#failures.get(key);
    if (last !== undefined && Math.abs(now - last.at) < failureMs) {
      last.suppressed += 1;
      return null;
    }
    // Behind the others, so that the first one is the oldest.
    this.#failures.delete(key);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= maxFailures && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(key, { at: now, suppressed: 0 });
    return last?.suppressed ?? 0;
  }

  /**
   * Newest first. A filter reads 10,000 entries at most, and large ones fill a page early; the cursor continues there.
   */
  async read(query: AuditQuery): Promise<AuditPage> {
    if (query.id !== null) return this.#one(query, query.id);
    const items: AuditRecord[] = [];
    const least = query.since === null ? '' : firstUuidAt(query.since);
    let before = query.cursor ?? (query.until === null ? undefined : firstUuidAt(query.until));
    const size = new PageSize(this.#answer);
    for (let [scanned, length] = [0, 0]; ; ) {
      const limit = size.items;
      const page = await this.entries.read({ ...(before !== undefined && { before }), limit });
      for (const record of page) {
        if (record.id < least) return { items, next: null, scanned };
        scanned += 1;
        before = record.id;
        if (!matches(record, query)) continue;
        items.push(record);
        length += record.entry.length;
        if (items.length === query.limit || length >= this.#answer) return { items, next: before, scanned };
      }
      if (page.length < limit) return { items, next: null, scanned };
      size.had(page.reduce((sum, { entry }) => sum + entry.length, 0));
      if (scanned >= scan) return { items, next: before ?? null, scanned };
    }
  }

  /** A line of the log, which goes where the store does not. The request and the change are in the entry only. */
  #tell({
    event_type: type,
    principal,
    source_ip: address,
    correlation_id: requestId,
    outcome,
    detail,
  }: NewAuditEntry) {
    // Logins have a line of their own, which says where.
    if (type === accessEvents.loginFailed) return;
    const { operation, id, name, key } = detail;
    const fields = {
      event_type: type,
      outcome,
      principal,
      source_ip: address,
      request_id: requestId,
      operation,
      ...(type.startsWith('job.') || type.startsWith('dead_letter.') ? { job_id: id } : { about: id ?? name ?? key }),
    };
    if (outcome === 'failure') this.#log.warn(fields, 'security event');
    else this.#log.info(fields, 'security event');
  }

  async #one(query: AuditQuery, id: string): Promise<AuditPage> {
    const [record] = await this.entries.read({ before: following(id), limit: 1 });
    const isFound = record?.id === id && matches(record, query);
    return { items: isFound ? [record] : [], next: null, scanned: record === undefined ? 0 : 1 };
  }

  /** Ids of one server have the order of its entries, those of a millisecond too. */
  #newId(now: Millis): string {
    this.#number = now > this.#last ? 0 : this.#number + 1;
    this.#last = Math.max(now, this.#last);
    return uuidFrom(this.#last, this.#number, this.#seed);
  }
}

/** The next UUID: entries before it begin with that of this one. */
function following(id: string): string {
  const hex = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function matches({ entry }: AuditRecord, { type, principal, about }: AuditQuery): boolean {
  if (about !== null && !entry.includes(JSON.stringify(about).slice(1, -1))) return false;
  if (type === null && principal === null) return true;
  const read: AuditEntry = JSON.parse(entry);
  if (principal !== null && read.principal !== principal) return false;
  return type === null || read.event_type === type || read.event_type.startsWith(`${type}.`);
}
