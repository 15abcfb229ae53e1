import type { Millis } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Records, StoredRecord } from '../storage/storage.ts';

/** Records that one read of a list takes: a body may have 100 kB. */
const page = 200;

/** Records that change one at a time, each by compare-and-set: schemas, tokens, settings of upkeep. */
export class Documents {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  async get(kind: string, key: string): Promise<StoredRecord | null> {
    return (await this.#records.get([{ kind, key }]))[0] ?? null;
  }

  /** Sorted by key. */
  async list(kind: string): Promise<readonly StoredRecord[]> {
    const found: StoredRecord[] = [];
    for (;;) {
      const from = found.at(-1)?.key;
      const next = await this.#records.scan(kind, { ...(from !== undefined && { from }), limit: page });
      found.push(...next);
      if (next.length < page) return found;
    }
  }

  /**
   * Writes if the current version is `expected`: null for a new document, `any` for any version. Answers the document,
   * or null if another version is there.
   */
  async put(
    kind: string,
    key: string,
    body: Json,
    expected: number | null | 'any',
    now: Millis,
  ): Promise<StoredRecord | null> {
    for (;;) {
      const current = expected === null ? null : await this.get(kind, key);
      const version = current?.version ?? null;
      if (expected !== 'any' && expected !== version) return null;
      const times = { createdAt: current?.createdAt ?? now, updatedAt: now };
      const document = { kind, key, version: (version ?? 0) + 1, body, ...times };
      const [isDone] = await this.#records.commit([{ checks: [{ kind, key, version }], puts: [document] }]);
      if (isDone) return document;
      if (expected !== 'any') return null;
    }
  }

  /** False if there is no such document. */
  async remove(kind: string, key: string): Promise<boolean> {
    for (;;) {
      const current = await this.get(kind, key);
      if (current === null) return false;
      const { version } = current;
      const [isDone] = await this.#records.commit([{ checks: [{ kind, key, version }], deletes: [{ kind, key }] }]);
      if (isDone) return true;
    }
  }
}
