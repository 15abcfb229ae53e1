import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { isObject } from '../json/json.ts';
import { compareVersions, readVersion } from '../semver.ts';
import type { Millis } from '../time/clock.ts';

/** The effect of a mismatch (ojs-schema-registry §7). */
export const schemaModes = ['strict', 'warn', 'off'] as const;
export type SchemaMode = (typeof schemaModes)[number];

export interface SchemaEntry {
  /** Key of the text in the store, for this registration only. */
  readonly id: string;
  readonly type: string;
  readonly version: string;
  /** Registered as a number, and rendered as one. */
  readonly numeric: boolean;
  readonly uri: string;
  readonly mode: SchemaMode;
  readonly createdAt: Millis;
}

/** The registrations, by type and by URI. */
export class SchemaIndex {
  /** The version of the document; null before the first registration. */
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

/** @throws ProtocolError `conflict` if type and version, or the URI, are taken. */
export function refuseTaken(entries: readonly SchemaEntry[], { type, version, uri }: SchemaEntry): void {
  const taken = entries.find((one) => (one.type === type && one.version === version) || one.uri === uri);
  if (taken === undefined) return;
  const what = taken.uri === uri ? `The schema ${uri}` : `Version ${version} of the schema of ${type}`;
  const message = `${what} is registered already; a changed schema needs a new version.`;
  throw new ProtocolError('conflict', message, { uri: taken.uri });
}

export function wireVersion({ version, numeric }: SchemaEntry): string | number {
  return numeric ? Number(version) : version;
}

function newest(a: SchemaEntry, b: SchemaEntry): number {
  const [of, other] = [readVersion(a.version), readVersion(b.version)];
  return (of && other && compareVersions(other, of)) || b.createdAt - a.createdAt;
}

/** Reads the document that lists the registrations. */
export function readSchemas(body: Json): readonly SchemaEntry[] {
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
