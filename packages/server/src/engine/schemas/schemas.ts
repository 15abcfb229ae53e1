import { type Clock, type Millis, ProtocolError, uuidv7 } from '@ojs-ts/core';
import {
  type Checked,
  type NewSchema,
  readSchemas,
  refuseTaken,
  type SchemaChecks,
  type SchemaEntry,
  SchemaIndex,
  type SchemaRegistry,
  wireVersion,
} from '@ojs-ts/core/handlers';
import type { Json } from '@ojs-ts/core/job';
import type { Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import { turn } from '../page-size.ts';
import { SchemaError } from './source.ts';
import type { SchemaValidator } from './validator.ts';

const [kind, indexKind, indexKey] = ['schema', 'schema.index', 'schemas'] as const;
/** The maximum age of the index in milliseconds, after which another node's change is noticed. */
const freshMs = 1_000;
const maxSchemas = 1_000;
const maxCompiled = 100;
/** How long checks may run before other work gets the event loop, in milliseconds. */
const sliceMs = 8;
/** How often a change is tried again because another node changed the index. */
const rounds = 10;
const none: readonly string[] = [];

/**
 * The registry of schemas (ojs-core §5.2, ojs-schema-registry). One small document lists the registrations and is
 * changed by compare-and-set; the texts are in documents of their own that never change.
 */
export class Schemas implements SchemaChecks, SchemaRegistry {
  readonly #documents: Documents;
  readonly #clock: Clock;
  #index: SchemaIndex = new SchemaIndex(null, []);
  #readAt: Millis | null = null;
  #reading: Promise<void> | null = null;
  readonly #compiled = new Map<string, Promise<SchemaValidator | null>>();
  #spentMs = 0;

  constructor(storage: Storage, clock: Clock) {
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
  }

  /**
   * Checks the args of a job against the schema that it names, else that of its version, else the latest of its type. A
   * job without a registered schema passes.
   * @returns warnings, if the schema's mode is `warn`.
   * @throws ProtocolError `schema_validation` if the mode is `strict`.
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
        schema_version: wireVersion(entry),
      },
    );
  }

  /** The store was emptied. */
  forget(): void {
    this.#readAt = null;
    this.#compiled.clear();
  }

  /** Reports whether any schema is registered. */
  async any(): Promise<boolean> {
    return (await this.#fresh()).entries.length > 0;
  }

  /** True if a job of this type may have a schema for its version. */
  async has(type: string): Promise<boolean> {
    return (await this.#fresh()).find(type, null) !== null;
  }

  /**
   * Registers a version.
   * @throws ProtocolError `invalid_request` if the text is no schema, `conflict` if type and version, or the URI, are
   * taken.
   */
  async register(schema: NewSchema): Promise<SchemaEntry> {
    const { text, ...rest } = schema;
    let validator: SchemaValidator;
    try {
      validator = await compile(text);
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
    await this.#documents.put(kind, entry.id, text, 'any', now);
    try {
      await this.#change((entries) => {
        refuseTaken(entries, entry);
        if (entries.length >= maxSchemas)
          throw new ProtocolError(
            'unsupported',
            `This server keeps at most ${maxSchemas} schemas. Delete one: ojs schemas delete URI.`,
            {
              max_schemas: maxSchemas,
            },
          );
        return [...entries, entry];
      });
    } catch (error) {
      await this.#documents.remove(kind, entry.id);
      throw error;
    }
    this.#keep(entry, Promise.resolve(validator));
    return entry;
  }

  /** Every registration, newest version of each type first. */
  async list(): Promise<readonly SchemaEntry[]> {
    return (await this.#read()).entries;
  }

  /** The latest version if `version` is null. */
  async find(type: string, version: string | null): Promise<SchemaEntry | null> {
    return (await this.#read()).find(type, version);
  }

  async byUri(uri: string): Promise<SchemaEntry | null> {
    return (await this.#read()).byUri(uri);
  }

  /** The text as registered; null if it was removed since. */
  async text(entry: SchemaEntry): Promise<Json | null> {
    return (await this.#documents.get(kind, entry.id))?.body ?? null;
  }

  /** False if it was removed already. Enqueued jobs stay. */
  async remove(entry: SchemaEntry): Promise<boolean> {
    let there = false;
    await this.#change((entries) => {
      const left = entries.filter(({ id }) => id !== entry.id);
      there = left.length < entries.length;
      return there ? left : null;
    });
    if (there) await this.#documents.remove(kind, entry.id);
    this.#compiled.delete(entry.id);
    return there;
  }

  async #fresh(): Promise<SchemaIndex> {
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

  async #read(): Promise<SchemaIndex> {
    const now = this.#clock.now();
    const found = await this.#documents.get(indexKind, indexKey);
    if ((found?.version ?? null) !== this.#index.version)
      this.#index = new SchemaIndex(found?.version ?? null, readSchemas(found?.body ?? '[]'));
    this.#readAt = now;
    return this.#index;
  }

  /** If `change` returns null, nothing is written. */
  async #change(change: (entries: readonly SchemaEntry[]) => readonly SchemaEntry[] | null): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const { version, entries } = await this.#read();
      const changed = change(entries);
      if (changed === null) return;
      const written = await this.#documents.put(
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
      'Other calls keep changing the schemas; nothing was changed. Try again.',
    );
  }

  /** Null if the schema was removed since. */
  async #validator(entry: SchemaEntry): Promise<SchemaValidator | null> {
    const cached = this.#compiled.get(entry.id);
    const validator = cached ?? this.text(entry).then((text) => (text === null ? null : compile(text)));
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

  /** Marks the schema as the last one used. */
  #keep({ id }: SchemaEntry, validator: Promise<SchemaValidator | null>): void {
    this.#compiled.delete(id);
    this.#compiled.set(id, validator);
    const oldest = this.#compiled.size > maxCompiled ? this.#compiled.keys().next().value : undefined;
    if (oldest !== undefined) this.#compiled.delete(oldest);
  }

  async #share(tookMs: number): Promise<void> {
    this.#spentMs += tookMs;
    if (this.#spentMs < sliceMs) return;
    this.#spentMs = 0;
    await turn();
  }
}

/** The compiler comes with the first schema: it takes 40 ms of a start and 12 MiB, and most servers have no schema. */
async function compile(schema: Json): Promise<SchemaValidator> {
  const { SchemaValidator } = await import('./validator.ts');
  return new SchemaValidator(JSON.parse(schema));
}
