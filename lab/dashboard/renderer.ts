import type { Browser, CDPSession, Page } from 'playwright-core';

/** The tasks of a page over some time. */
export interface Tasks {
  /** In milliseconds, by the clock: what the browser itself calls long is over 50. */
  readonly longestMs: number;
  /** In milliseconds of processor time: on a machine that others use, the clock counts their time too. */
  readonly longestProcessorMs: number;
  /** Long tasks that a `PerformanceObserver` saw, in milliseconds. */
  readonly observed: readonly number[];
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

const observer = `
  globalThis.seen = { long: [], firstValueMs: null, summaries: [] };
  new PerformanceObserver((list) => seen.long.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ entryTypes: ['longtask'] });
  new MutationObserver(() => {
    if (seen.firstValueMs === null && (document.querySelector('.tile .value')?.textContent ?? '') !== '')
      seen.firstValueMs = performance.now();
  }).observe(document, { childList: true, subtree: true, characterData: true });
  const add = MessagePort.prototype.addEventListener;
  MessagePort.prototype.addEventListener = function (...given) {
    add.call(this, 'message', ({ data }) => {
      if (data?.summary !== undefined) seen.summaries.push({ at: performance.now(), ...data.summary });
    });
    return add.apply(this, given);
  };
`;

/** Before the first page: what each page measures of itself. */
export async function observe(page: Page): Promise<void> {
  await page.addInitScript({ content: observer });
}

export interface SeenSummary {
  readonly at: number;
  readonly count: number;
  readonly gap: boolean;
  readonly types: Readonly<Record<string, number>>;
}

export function summariesOf(page: Page): Promise<readonly SeenSummary[]> {
  return page.evaluate('seen.summaries');
}

export function firstValueMs(page: Page): Promise<number | null> {
  return page.evaluate('seen.firstValueMs');
}

/** The tasks of the page while `during` runs. */
export async function tasksOf(browser: Browser, page: Page, during: () => Promise<unknown>): Promise<Tasks> {
  await page.evaluate('seen.long.length = 0');
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] });
  await during();
  const trace: { readonly traceEvents: readonly TraceEvent[] } = JSON.parse(String(await browser.stopTracing()));
  const main = new Set(
    trace.traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const tasks = trace.traceEvents.filter(
    ({ name, ph, pid, tid }) => ph === 'X' && name.endsWith('RunTask') && main.has(`${pid}/${tid}`),
  );
  const most = (values: readonly number[]): number => values.reduce((one, other) => Math.max(one, other), 0) / 1_000;
  if (tasks.length === 0) throw new Error('The trace has no task of the page.');
  return {
    longestMs: most(tasks.map(({ dur = 0 }) => dur)),
    longestProcessorMs: most(tasks.map(({ tdur, dur = 0 }) => tdur ?? dur)),
    observed: await page.evaluate('seen.long'),
  };
}

/** Bytes of all answers that the page gets from now on, compressed with gzip; without their headers. */
export function countBytes(page: Page): () => Promise<number> {
  const asked = new Set<string>();
  page.on('request', (request) => asked.add(request.url()));
  return async () => {
    const sizes = await Promise.all(
      [...asked].map(async (url) => {
        const response = await fetch(url, { headers: { 'accept-encoding': 'gzip', accept: '*/*' } });
        const { byteLength } = await response.arrayBuffer();
        // The length is that of the compressed answer.
        return Number(response.headers.get('content-length') ?? byteLength);
      }),
    );
    return sizes.reduce((sum, one) => sum + one, 0);
  };
}

/** The live heap in bytes, after a collection. */
export async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
}

/** How much the values grow a minute, by least squares. */
export function growth(samples: readonly { readonly at: number; readonly value: number }[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
  const at = mean(samples.map((one) => one.at));
  const value = mean(samples.map((one) => one.value));
  const above = samples.reduce((sum, one) => sum + (one.at - at) * (one.value - value), 0);
  const below = samples.reduce((sum, one) => sum + (one.at - at) ** 2, 0);
  return (above / below) * 60_000;
}
