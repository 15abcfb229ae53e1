import { uuidv7 } from '@ojs-ts/core';
import {
  type NewSchema,
  refuseTaken,
  type SchemaChecks,
  type SchemaEntry,
  SchemaIndex,
  type SchemaRegistry,
} from '@ojs-ts/core/handlers';
import type { Table } from './table.ts';

/**
 * Schemas are kept and shown. They check no args, as the manifest says: what checks JSON Schema is the server's alone,
 * and too large to come along.
 */
export class MemorySchemas implements SchemaRegistry, SchemaChecks {
  readonly #table: Table;
  readonly #texts = new Map<SchemaEntry, string>();
  #index = new SchemaIndex(null, []);

  constructor(table: Table) {
    this.#table = table;
  }

  any(): boolean {
    return false;
  }

  check(): readonly string[] {
    return [];
  }

  list(): readonly SchemaEntry[] {
    return this.#index.entries;
  }

  find(type: string, version: string | null): SchemaEntry | null {
    return this.#index.find(type, version);
  }

  byUri(uri: string): SchemaEntry | null {
    return this.#index.byUri(uri);
  }

  text(entry: SchemaEntry): string | null {
    return this.#texts.get(entry) ?? null;
  }

  register({ text, ...schema }: NewSchema): SchemaEntry {
    const { now, clock } = this.#table;
    const entry = { ...schema, id: uuidv7(clock), createdAt: now };
    refuseTaken(this.#index.entries, entry);
    this.#texts.set(entry, text);
    this.#reindex();
    return entry;
  }

  remove(entry: SchemaEntry): boolean {
    const removed = this.#texts.delete(entry);
    this.#reindex();
    return removed;
  }

  #reindex(): void {
    this.#index = new SchemaIndex(null, [...this.#texts.keys()]);
  }
}
