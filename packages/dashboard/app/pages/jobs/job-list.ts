import type { Answers, ListedJob, Search } from '@ojs-ts/core/schemas';
import { call } from '../../api/client.ts';

/** Selects and orders jobs. */
export interface JobListQuery {
  readonly q: string;
  readonly sort: string;
  readonly order: string;
}

export interface JobListState {
  readonly isLoaded: boolean;
  readonly isReading: boolean;
  readonly error: unknown;
  /** The rows that are loaded, and the number of rows before and after them. */
  readonly before: number;
  readonly rows: readonly ListedJob[];
  readonly after: number;
  /** How many jobs match; there are more unless `isExact`. */
  readonly total: number;
  readonly isExact: boolean;
  /**
   * The progress of a search: how many jobs the server has read for all of these rows, and whether there are more to
   * read.
   */
  readonly search: Search | null;
}

export const pageSize = 100;
/** A longer list would be higher than browsers draw; its other end is the opposite order. */
export const mostRows = 900_000;
/** The most rows that a search keeps: it has no places to jump to, so it keeps all that it found. */
export const mostFound = 20_000;
const mostPages = 40;
/** A scroll bar that is drawn along passes many pages; only where it rests is read. */
const restMs = 60;

const nothing: JobListState = {
  isLoaded: false,
  isReading: true,
  error: null,
  before: 0,
  rows: [],
  after: 0,
  total: 0,
  isExact: false,
  search: null,
};

/**
 * A list of jobs of which the browser keeps a part. If the server counts the jobs, each page is read when it comes in
 * sight: behind the page before by its cursor, elsewhere by its offset. A search only goes forward.
 */
export class JobList {
  readonly #query: JobListQuery;
  readonly #watchers = new Set<() => void>();
  #state = nothing;
  #reading = new AbortController();
  /** The pages of a counted list. */
  readonly #pages = new Map<number, readonly ListedJob[]>();
  readonly #asked = new Set<number>();
  readonly #cursors = new Map<number, string>();
  #range: readonly [number, number] = [0, 0];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The state of a search: its next cursor, what ends it, and whether the reader has ended it. */
  #next: string | null = null;
  #searching = new AbortController();
  #isPaused = false;

  constructor(query: JobListQuery) {
    this.#query = query;
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly state = (): JobListState => this.#state;

  stop(): void {
    this.#reading.abort();
    this.#searching.abort();
    clearTimeout(this.#timer);
  }

  /** Reads the list from its beginning. The old rows stay until then. */
  async refresh(): Promise<void> {
    this.stop();
    const reading = new AbortController();
    this.#reading = reading;
    this.#change({ isReading: true });
    const answer = await this.#read({}, reading.signal);
    if (answer === null) return;
    const { jobs, total, pagination, search } = answer;
    const next = pagination.next_cursor ?? null;
    this.#pages.clear();
    this.#asked.clear();
    this.#cursors.clear();
    const isCounted = pagination.total_exact !== false;
    this.#next = isCounted ? null : next;
    this.#isPaused = false;
    if (isCounted) {
      this.#pages.set(0, jobs);
      if (next !== null) this.#cursors.set(1, next);
    }
    this.#change({
      isLoaded: true,
      isReading: false,
      error: null,
      before: 0,
      rows: jobs,
      after: isCounted ? Math.min(total, mostRows) - jobs.length : 0,
      total,
      isExact: isCounted,
      search: search ?? null,
    });
    if (isCounted) this.see(...this.#range);
    else if (jobs.length < pageSize) await this.#search();
  }

  /** The rows in sight, from 0. */
  readonly see = (first: number, last: number): void => {
    this.#range = [first, last];
    const { isLoaded, isExact, rows } = this.#state;
    if (!isLoaded) return;
    if (!isExact) {
      if (last >= rows.length - 20 && rows.length >= pageSize && !this.#isPaused) void this.#search();
      return;
    }
    const pages = this.#pagesInSight();
    const isNear = pages.every((page) => this.#pages.has(page) || this.#cursors.has(page));
    clearTimeout(this.#timer);
    if (isNear) this.#load(pages);
    else this.#timer = setTimeout(() => this.#load(pages), restMs);
    this.#show();
  };

  /** Ends a search where it is. */
  readonly pause = (): void => {
    this.#isPaused = true;
    this.#searching.abort();
    this.#change({ isReading: false });
  };

  /** Continues a search that was ended, or that failed. */
  readonly more = (): void => {
    this.#isPaused = false;
    void this.#search();
  };

  /** Reads call after call until a page of rows was found; while the page is hidden, none. */
  async #search(): Promise<void> {
    const { isReading, rows: known } = this.#state;
    if (this.#next === null || isReading || known.length >= mostFound) return;
    this.#searching = new AbortController();
    const { signal } = this.#searching;
    const wanted = known.length < pageSize ? pageSize : known.length + pageSize;
    this.#change({ isReading: true, error: null });
    while (this.#next !== null && this.#state.rows.length < wanted) {
      await whenVisible(signal);
      const answer: Answers['job.list'] | null = signal.aborted
        ? null
        : await this.#read({ cursor: this.#next }, signal);
      if (answer === null || signal.aborted) return;
      this.#next = answer.pagination.next_cursor ?? null;
      const rows = [...this.#state.rows, ...answer.jobs];
      const scanned = (this.#state.search?.scanned ?? 0) + (answer.search?.scanned ?? 0);
      this.#change({ rows, total: rows.length, search: answer.search ? { ...answer.search, scanned } : null });
    }
    this.#change({ isReading: false });
  }

  /** Shows a change of one job; the result takes it back. */
  readonly patch = (id: string, change: Partial<ListedJob>): (() => void) => {
    const old = this.#state.rows.find((job) => job.id === id);
    if (old === undefined) return () => {};
    const put = (job: ListedJob): void => {
      const swap = (rows: readonly ListedJob[]) => rows.map((one) => (one.id === id ? job : one));
      for (const [page, jobs] of this.#pages) if (jobs.some((one) => one.id === id)) this.#pages.set(page, swap(jobs));
      this.#change({ rows: swap(this.#state.rows) });
    };
    put({ ...old, ...change });
    return () => put(old);
  };

  #pagesInSight(): readonly number[] {
    const [first, last] = this.#range;
    const most = Math.max(0, Math.ceil(Math.min(this.#state.total, mostRows) / pageSize) - 1);
    const from = Math.min(most, Math.floor(first / pageSize));
    const to = Math.min(most, Math.floor(Math.max(first, last) / pageSize));
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  }

  #load(pages: readonly number[]): void {
    const missing = pages.filter((page) => !this.#pages.has(page));
    const near = missing.filter((page) => this.#cursors.has(page));
    // An offset of a million costs the server a second: one page is read by it, and the next by the cursor of that one.
    for (const page of near.length > 0 ? near : missing.slice(0, 1))
      if (!this.#asked.has(page)) void this.#loadPage(page);
  }

  async #loadPage(page: number): Promise<void> {
    this.#asked.add(page);
    const { signal } = this.#reading;
    const cursor = this.#cursors.get(page);
    const answer = await this.#read(cursor === undefined ? { offset: page * pageSize } : { cursor }, signal);
    if (answer === null) {
      if (!signal.aborted) this.#asked.delete(page);
      return;
    }
    this.#asked.delete(page);
    this.#pages.set(page, answer.jobs);
    if (answer.pagination.next_cursor) this.#cursors.set(page + 1, answer.pagination.next_cursor);
    this.#forget();
    this.#show();
    // The reader may have moved on while the page was read.
    this.see(...this.#range);
  }

  /** Lets go of the pages that are farthest away. */
  #forget(): void {
    const [first = 0] = this.#pagesInSight();
    const far = [...this.#pages.keys()].sort((one, other) => Math.abs(other - first) - Math.abs(one - first));
    for (const page of far.slice(0, Math.max(0, far.length - mostPages))) this.#pages.delete(page);
  }

  /** Shows the unbroken run of pages around what is in sight. */
  #show(): void {
    const inSight = this.#pagesInSight();
    const middle = inSight.find((page) => this.#pages.has(page));
    if (middle === undefined) return;
    let from = middle;
    let to = middle;
    while (from > 0 && from > middle - 2 && this.#pages.has(from - 1)) from--;
    while (to < middle + 3 && this.#pages.has(to + 1)) to++;
    const rows: ListedJob[] = [];
    for (let page = from; page <= to; page++) rows.push(...(this.#pages.get(page) ?? []));
    const before = from * pageSize;
    const { rows: last, before: lastBefore, total } = this.#state;
    if (before === lastBefore && rows.length === last.length && rows.every((job, index) => job === last[index])) return;
    this.#change({ before, rows, after: Math.max(0, Math.min(total, mostRows) - before - rows.length) });
  }

  async #read(
    place: { readonly cursor?: string; readonly offset?: number },
    signal: AbortSignal,
  ): Promise<Answers['job.list'] | null> {
    const { q, sort, order } = this.#query;
    try {
      return await call('job.list', { query: { q, sort, order, limit: pageSize, ...place }, signal });
    } catch (error) {
      if (!signal.aborted) this.#change({ isReading: false, error });
      return null;
    }
  }

  #change(next: Partial<JobListState>): void {
    this.#state = { ...this.#state, ...next };
    for (const watcher of this.#watchers) watcher();
  }
}

/** Resolves while the page is visible, or when the signal ends the wait. */
function whenVisible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (document.visibilityState !== 'visible' && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}
