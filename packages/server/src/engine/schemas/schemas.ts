import {
  type Clock,
  compareVersions,
  isObject,
  type Json,
  type Millis,
  ProtocolError,
  readVersion,
  uuidv7,
} from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';
import { SchemaError } from './source.ts';
import { SchemaValidator } from './validator.ts';

/** What a mismatch leads to (ojs-schema-registry §7). */
export const schemaModes = ['strict', 'warn', 'off'] as const;
export type SchemaMode = (typeof schemaModes)[number];

export interface SchemaEntry {
  /** Names the text in the store; of this registration only. */
  readonly id: string;
  readonly type: string;
  readonly version: string;
  /** Registered as a number, and shown as one. */
  readonly numeric: boolean;
  readonly uri: string;
  readonly mode: SchemaMode;
  readonly createdAt: Millis;
}

export interface Checked {
  readonly type: string;
  /** JSON text. */
  readonly args: Json;
  /** URI of the schema that the job names; null for that of its type and version. */
  readonly schema: string | null;
  /** The job's own version; absent or null for the latest. */
  readonly version?: string | null;
}

const [kind, indexKind, indexKey] = ['schema', 'schema.index', 'schemas'] as const;
/** The index is read again after this long, so another node's change is noticed within as much. In milliseconds. */
const freshMs = 1_000;
const maxSchemas = 1_000;
export const maxSchemaLength = 65_536;
const maxCompiled = 100;
/** Checks may take this long before others get their turn, in milliseconds. */
const turnMs = 8;
/** Changes to the index by other nodes that a change waits out. */
const rounds = 10;
const none: readonly string[] = [];

/**
 * The registry of schemas (ojs-core §5.2, ojs-schema-registry). One small document lists what is registered and is
 * changed by compare-and-set; the texts stand in documents of their own that never change.
 */
export class Schemas {
  readonly #storage: Storage;
  readonly #clock: Clock;
  #index: Index = new Index(null, []);
  #readAt: Millis | null = null;
  #reading: Promise<void> | null = null;
  readonly #compiled = new Map<string, Promise<SchemaValidator | null>>();
  #spentMs = 0;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /**
   * Checks the args of a job against the schema that it names, else against that of its version, else against the
   * latest of its type. What names nothing that is registered passes.
   * @returns warnings, where the schema's mode is `warn`.
   * @throws ProtocolError `schema_validation` where its mode is `strict`.
   */
  async check(job: Checked): Promise<readonly string[]> {
    const index = await this.#fresh();
    if (index.entries.length === 0) return none;
    const entry = job.schema === null ? index.find(job.type, job.version ?? null) : index.byUri(job.schema);
    if (entry === null || entry.mode === 'off') return none;
    const validator = await this.#validator(entry);
    if (validator === null) return none;
    const began = performance.now();
    const args: unknown = JSON.parse(job.args);
    const issues = validator.check(Array.isArray(args) ? args : [args], job.args.length);
    await this.#share(performance.now() - began);
    const [first] = issues;
    if (first === undefined) return none;
    const name = `${entry.type}@${entry.version}`;
    if (entry.mode === 'warn')
      return issues.map(({ path, message }) => `Schema validation warning (${name}): ${path}: ${message}`);
    throw new ProtocolError(
      'schema_validation',
      `The arguments do not match the schema of ${name}: ${first.path}: ${first.message}.`,
      {
        validation_errors: issues,
        schema: entry.uri,
        job_type: entry.type,
        schema_version: shownVersion(entry),
      },
    );
  }

  /** The store was emptied. */
  forget(): void {
    this.#readAt = null;
    this.#compiled.clear();
  }

  /** Whether anything is registered. */
  async any(): Promise<boolean> {
    return (await this.#fresh()).entries.length > 0;
  }

  /** True where a job of this type may be held against a schema by its version. */
  async has(type: string): Promise<boolean> {
    return (await this.#fresh()).find(type, null) !== null;
  }

  /**
   * Registers a version.
   * @throws ProtocolError `invalid_request` where the text is no schema, `conflict` where type and version, or the URI,
   * are taken.
   */
  async register(schema: Omit<SchemaEntry, 'id' | 'createdAt'> & { readonly text: Json }): Promise<SchemaEntry> {
    const { text, ...rest } = schema;
    let validator: SchemaValidator;
    try {
      validator = new SchemaValidator(JSON.parse(text));
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      throw new ProtocolError(
        'invalid_request',
        `The JSON Schema is not valid: ${error.issues[0]?.path}: ${error.message}.`,
        {
          schema_error: error.message,
          validation_errors: error.issues,
        },
      );
    }
    const now = this.#clock.now();
    const entry: SchemaEntry = { id: uuidv7(this.#clock), ...rest, createdAt: now };
    await this.#storage.documents.put(kind, entry.id, text, 'any', now);
    try {
      await this.#change((entries) => {
        const taken = entries.find(
          (one) => (one.type === entry.type && one.version === entry.version) || one.uri === entry.uri,
        );
        if (taken !== undefined) {
          const what =
            taken.uri === entry.uri
              ? `The schema ${entry.uri}`
              : `Version ${entry.version} of the schema of ${entry.type}`;
          throw new ProtocolError('conflict', `${what} is registered already; a changed schema needs a new version.`, {
            uri: taken.uri,
          });
        }
        if (entries.length >= maxSchemas)
          throw new ProtocolError('unsupported', `This server keeps at most ${maxSchemas} schemas.`, {
            max_schemas: maxSchemas,
          });
        return [...entries, entry];
      });
    } catch (error) {
      await this.#storage.documents.remove(kind, entry.id);
      throw error;
    }
    this.#keep(entry, Promise.resolve(validator));
    return entry;
  }

  /** Every registration, newest version of each type first. */
  async list(): Promise<readonly SchemaEntry[]> {
    return (await this.#read()).entries;
  }

  /** The latest version where `version` is null. */
  async find(type: string, version: string | null): Promise<SchemaEntry | null> {
    return (await this.#read()).find(type, version);
  }

  async byUri(uri: string): Promise<SchemaEntry | null> {
    return (await this.#read()).byUri(uri);
  }

  /** The text as it was registered; null where it was removed meanwhile. */
  async text(entry: SchemaEntry): Promise<Json | null> {
    return (await this.#storage.documents.get(kind, entry.id))?.body ?? null;
  }

  /** False where it was removed already. Jobs that are enqueued stay. */
  async remove(entry: SchemaEntry): Promise<boolean> {
    let there = false;
    await this.#change((entries) => {
      const left = entries.filter(({ id }) => id !== entry.id);
      there = left.length < entries.length;
      return there ? left : null;
    });
    if (there) await this.#storage.documents.remove(kind, entry.id);
    this.#compiled.delete(entry.id);
    return there;
  }

  async #fresh(): Promise<Index> {
    const now = this.#clock.now();
    if (this.#readAt !== null && Math.abs(now - this.#readAt) < freshMs) return this.#index;
    this.#reading ??= this.#read()
      .then(() => {})
      .finally(() => {
        this.#reading = null;
      });
    await this.#reading;
    return this.#index;
  }

  async #read(): Promise<Index> {
    const now = this.#clock.now();
    const found = await this.#storage.documents.get(indexKind, indexKey);
    if ((found?.version ?? null) !== this.#index.version)
      this.#index = new Index(found?.version ?? null, readEntries(found?.body ?? '[]'));
    this.#readAt = now;
    return this.#index;
  }

  /** Null from `change` leaves things as they are. */
  async #change(change: (entries: readonly SchemaEntry[]) => readonly SchemaEntry[] | null): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const { version, entries } = await this.#read();
      const changed = change(entries);
      if (changed === null) return;
      const written = await this.#storage.documents.put(
        indexKind,
        indexKey,
        JSON.stringify(changed),
        version,
        this.#clock.now(),
      );
      this.#readAt = null;
      if (written !== null) return;
    }
    throw new ProtocolError(
      'backend_unavailable',
      'The registered schemas are changing too quickly; nothing was changed.',
    );
  }

  /** Null where the schema was removed meanwhile. */
  async #validator(entry: SchemaEntry): Promise<SchemaValidator | null> {
    const known = this.#compiled.get(entry.id);
    const validator =
      known ?? this.text(entry).then((text) => (text === null ? null : new SchemaValidator(JSON.parse(text))));
    this.#keep(entry, validator);
    try {
      const compiled = await validator;
      if (compiled === null) this.#compiled.delete(entry.id);
      return compiled;
    } catch (error) {
      this.#compiled.delete(entry.id);
      throw error;
    }
  }

  /** As the one that was used last. */
  #keep({ id }: SchemaEntry, validator: Promise<SchemaValidator | null>): void {
    this.#compiled.delete(id);
    this.#compiled.set(id, validator);
    const oldest = this.#compiled.size > maxCompiled ? this.#compiled.keys().next().value : undefined;
    if (oldest !== undefined) this.#compiled.delete(oldest);
  }

  async #share(tookMs: number): Promise<void> {
    this.#spentMs += tookMs;
    if (this.#spentMs < turnMs) return;
    this.#spentMs = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

class Index {
  /** Of the document; null before the first registration. */
  readonly version: number | null;
  /** By type, newest version first. */
  readonly entries: readonly SchemaEntry[];
  readonly #byType: ReadonlyMap<string, readonly SchemaEntry[]>;
  readonly #byUri: ReadonlyMap<string, SchemaEntry>;

  constructor(version: number | null, entries: readonly SchemaEntry[]) {
    this.version = version;
    this.entries = entries.toSorted((a, b) => (a.type === b.type ? newest(a, b) : a.type < b.type ? -1 : 1));
    this.#byType = Map.groupBy(this.entries, ({ type }) => type);
    this.#byUri = new Map(entries.map((entry) => [entry.uri, entry]));
  }

  find(type: string, version: string | null): SchemaEntry | null {
    const versions = this.#byType.get(type);
    return (version === null ? versions?.[0] : versions?.find((entry) => entry.version === version)) ?? null;
  }

  byUri(uri: string): SchemaEntry | null {
    return this.#byUri.get(uri) ?? null;
  }
}

export function shownVersion({ version, numeric }: SchemaEntry): string | number {
  return numeric ? Number(version) : version;
}

function newest(a: SchemaEntry, b: SchemaEntry): number {
  const [of, other] = [readVersion(a.version), readVersion(b.version)];
  return (of && other && compareVersions(other, of)) || b.createdAt - a.createdAt;
}

function readEntries(body: Json): readonly SchemaEntry[] {
  const list: unknown = JSON.parse(body);
  if (!Array.isArray(list)) throw new TypeError('The list of schemas in the store is not an array.');
  return list.map((one: unknown): SchemaEntry => {
    const mode = isObject(one) ? schemaModes.find((name) => name === one.mode) : undefined;
    if (!isObject(one) || mode === undefined)
      throw new TypeError('An entry in the list of schemas in the store cannot be read.');
    return {
      id: String(one.id),
      type: String(one.type),
      version: String(one.version),
      numeric: one.numeric === true,
      uri: String(one.uri),
      mode,
      createdAt: Number(one.createdAt),
    };
  });
}
