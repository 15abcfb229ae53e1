import { percentile } from '../statistics.ts';
import { ask, type Call } from './calls.ts';

export interface SearchTimes {
  readonly what: string;
  /** From the first page to the end of the last. */
  readonly seconds: number;
  readonly pages: number;
  readonly found: number;
  /** Milliseconds of other requests meanwhile. */
  readonly others: { readonly p50: number; readonly p99: number; readonly max: number; readonly count: number };
}

const pauseMs = 10;

/** Follows a search to its end, while others ask the same server. */
export async function searchTimes(url: string, { what, path }: Call, others: readonly Call[]): Promise<SearchTimes> {
  const over = new AbortController();
  const beside = askUntil(url, others, over.signal);
  const from = performance.now();
  let pages = 0;
  let found = 0;
  try {
    for (let cursor: string | null = ''; cursor !== null; pages++) {
      const behind: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = JSON.parse(await ask(url, `${path}${behind}`));
      found += page.items.length;
      cursor = page.pagination.next_cursor ?? null;
    }
  } finally {
    over.abort();
  }
  const seconds = (performance.now() - from) / 1_000;
  return { what, seconds, pages, found, others: await beside };
}

/** One request after the other, each a moment after the answer to the one before. */
export async function askUntil(
  url: string,
  calls: readonly Call[],
  signal: AbortSignal,
): Promise<SearchTimes['others']> {
  const times: number[] = [];
  for (let n = 0; !signal.aborted; n++) {
    const call = calls[n % calls.length];
    if (call === undefined) break;
    const from = performance.now();
    await ask(url, call.path);
    times.push(performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: percentile(times, 1), count: times.length };
}
