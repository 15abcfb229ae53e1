import type { Clock, Millis } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import {
  addFigures,
  type Figures,
  type Histogram,
  type MutableFigures,
  minuteOf,
  newFigures,
  noSums,
  sumNames,
} from '@ojs-ts/core/statistics';
import type { MinuteRecord, Storage } from '../../storage/storage.ts';
import { Documents } from '../documents.ts';
import { minuteParts } from './minute-parts.ts';

/** The figures since the creation of the store for the jobs of a type in a queue. */
export interface Total extends Figures {
  readonly queue: string;
  readonly type: string;
}

const minuteMs = 60_000;
/** How long after its end a minute may still change: the clocks of nodes differ. In milliseconds. */
const openMs = 5 * minuteMs;
/**
 * How long after its end a minute is read again for each answer. A slower clock may still write to a minute; such
 * figures are in the answers once the minute was folded. In milliseconds.
 */
const settlingMs = 2 * minuteMs;
/**
 * Minutes that are folded stay this long: a reader that has read the totals before the last fold still finds the
 * minutes behind them.
 */
const keepMs = 10 * minuteMs;
/** Minutes of one fold, in milliseconds. */
const readMs = 60 * minuteMs;
/** Minutes that are read one by one, in milliseconds. There are older ones only if no server folds. */
const usualMs = openMs + 2 * minuteMs;
const freshMs = 1_000;

/** Further types, and further pairs of queue and type, count as this type. */
const other = 'other';
const maxTypes = 500;
const maxPairs = 2_000;
/** Beyond so many rows further queues count as the queue `other`, or each would have a row for its types. */
const maxRows = 4_000;

const [kind, key] = ['totals', 'all'];

/** The content of the document: the totals of the minutes before `through`. Version null: there is no document yet. */
interface Folded {
  readonly version: number | null;
  readonly through: Millis;
  readonly sums: TotalSums;
}

/** The document and the minutes behind it that hardly change any more. */
interface Settled {
  readonly folded: Folded;
  readonly through: Millis;
  readonly sums: TotalSums;
}

/**
 * Running totals, which survive the retention of minutes. Closed minutes are folded once into one document, by
 * compare-and-set of its version, so two nodes never add the same minute twice. The document says up to which minute
 * it goes; the minutes from there on are added at reading.
 */
export class Totals {
  readonly #storage: Storage;
  readonly #documents: Documents;
  readonly #clock: Clock;
  /**
   * The document at the last time that this node needed it. An older one is not wrong: more minutes are then added to
   * it.
   */
  #folded: Folded | null = null;
  #settled: Settled | null = null;
  #read: { readonly at: Millis; readonly totals: Promise<readonly Total[]> } | null = null;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#documents = new Documents(storage.records);
    this.#clock = clock;
  }

  /** The store was emptied. */
  forget(): void {
    this.#folded = null;
    this.#settled = null;
    this.#read = null;
  }

  /** By queue and type. Several readers in one second share an answer. */
  read(): Promise<readonly Total[]> {
    const now = this.#clock.now();
    if (this.#read === null || Math.abs(now - this.#read.at) >= freshMs) {
      const totals = this.#sum(now);
      const read = { at: now, totals };
      this.#read = read;
      totals.catch(() => {
        if (this.#read === read) this.#read = null;
      });
    }
    return this.#read.totals;
  }

  async #sum(now: Millis): Promise<readonly Total[]> {
    const folded = await this.#current(now);
    const settled = minuteOf(now - settlingMs);
    // A clock that was set back writes into minutes that seemed settled.
    const last = this.#settled;
    const before = last?.folded === folded && last.through <= settled ? last : folded;
    const through = Math.max(before.through, settled);
    const sums = before.sums.copy();
    await this.#add(sums, before.through, through);
    this.#settled = { folded, through, sums };
    const all = sums.copy();
    // The clock of another server may be ahead.
    await this.#add(all, through, now + readMs);
    return all.list();
  }

  async #add(sums: TotalSums, from: Millis, until: Millis): Promise<void> {
    for await (const part of minuteParts(this.#storage, from, until)) sums.addAll(part);
  }

  /** Folds the closed minutes. Answers the time before which minutes may go. */
  async fold(): Promise<Millis> {
    const now = this.#clock.now();
    const closed = minuteOf(now - openMs);
    let folded = await this.#current(now);
    while (folded.through < closed) {
      // The first fold of a store reads from its beginning; later ones continue from the end of the last one.
      const until = folded.version === null ? closed : Math.min(closed, folded.through + readMs);
      const sums = folded.sums.copy();
      let count = 0;
      for await (const part of minuteParts(this.#storage, folded.through, until)) {
        sums.addAll(part);
        count += part.length;
      }
      // An idle store is written once an hour.
      if (count === 0 && until - folded.through < readMs) break;
      const body = bodyOf(until, sums);
      const written = await this.#documents.put(kind, key, body, folded.version, now);
      // Another node was faster if there is none.
      folded = written === null ? await this.#load() : { version: written.version, through: until, sums };
      this.#folded = folded;
    }
    return folded.through - keepMs;
  }

  async #current(now: Millis): Promise<Folded> {
    const folded = this.#folded;
    // The server that folds does so once a minute.
    if (folded !== null && folded.through > now - usualMs) return folded;
    this.#folded = await this.#load();
    return this.#folded;
  }

  async #load(): Promise<Folded> {
    const document = await this.#documents.get(kind, key);
    if (document === null) return { version: null, through: 0, sums: new TotalSums() };
    const { version } = document;
    return this.#folded?.version === version ? this.#folded : { version, ...readBody(document.body) };
  }
}

/** Sums by queue and type, of a bounded number of both. A copy shares the figures until one of both adds to them. */
class TotalSums {
  readonly #pairs = new Map<string, Map<string, MutableFigures>>();
  /** Figures that no other sums share. */
  readonly #own = new Set<MutableFigures>();
  readonly #types = new Set<string>();
  #size = 0;

  addAll(records: readonly MinuteRecord[]): void {
    for (const record of records) this.add(record);
  }

  add(record: Omit<MinuteRecord, 'minute'>): void {
    addFigures(this.#of(record.queue, record.type), record);
  }

  list(): readonly Total[] {
    return [...this.#pairs].flatMap(([queue, types]) =>
      [...types].map(([type, figures]) => ({ queue, type, ...figures })),
    );
  }

  copy(): TotalSums {
    const copy = new TotalSums();
    for (const [queue, types] of this.#pairs) copy.#pairs.set(queue, new Map(types));
    for (const type of this.#types) copy.#types.add(type);
    copy.#size = this.#size;
    this.#own.clear();
    return copy;
  }

  #of(queue: string, type: string): MutableFigures {
    const known = this.#pairs.get(queue)?.get(type);
    if (known !== undefined) return this.#owned(queue, type, known);
    const isFull = this.#size >= maxPairs || (this.#types.size >= maxTypes && !this.#types.has(type));
    if (isFull && type !== other) return this.#of(queue, other);
    if (this.#size >= maxRows && queue !== other) return this.#of(other, other);
    this.#size += 1;
    if (type !== other) this.#types.add(type);
    return this.#set(queue, type, newFigures());
  }

  #owned(queue: string, type: string, known: MutableFigures): MutableFigures {
    return this.#own.has(known) ? known : this.#set(queue, type, { ...known, histogram: { ...known.histogram } });
  }

  #set(queue: string, type: string, figures: MutableFigures): MutableFigures {
    const types = this.#pairs.get(queue) ?? new Map<string, MutableFigures>();
    this.#pairs.set(queue, types.set(type, figures));
    this.#own.add(figures);
    return figures;
  }
}

/** A row a pair: queue, type, sums in the order of `sumNames`, histogram. */
type Row = readonly [string, string, readonly number[], Histogram];

function bodyOf(through: Millis, sums: TotalSums): Json {
  const totals = sums
    .list()
    .map(({ queue, type, histogram, ...total }): Row => [queue, type, sumNames.map((name) => total[name]), histogram]);
  return JSON.stringify({ through, totals });
}

function readBody(body: Json): Omit<Folded, 'version'> {
  const { through, totals }: { readonly through: Millis; readonly totals: readonly Row[] } = JSON.parse(body);
  const sums = new TotalSums();
  for (const [queue, type, values, histogram] of totals) {
    const named = Object.fromEntries(sumNames.map((name, at) => [name, values[at] ?? 0]));
    sums.add({ queue, type, ...noSums, ...named, histogram });
  }
  return { through, sums };
}
