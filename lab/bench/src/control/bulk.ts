import { ask, type Call } from './calls.ts';
import { askUntil, type SearchTimes } from './search.ts';

export interface BulkTimes {
  readonly what: string;
  readonly seconds: number;
  readonly count: number;
  readonly rest: SearchTimes['others'];
}

const everyMs = 250;

/** A bulk retry of all discarded jobs, from its start to its end, while others ask the same server. */
export async function retryTimes(url: string, others: readonly Call[]): Promise<BulkTimes> {
  const over = new AbortController();
  const beside = askUntil(url, others, over.signal);
  const from = performance.now();
  let count = 0;
  try {
    const body = JSON.stringify({ action: 'retry', query: 'state:discarded', confirm: true });
    const start = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const { id } = JSON.parse(await ask(url, '/ojs/v1/admin/bulk', start));
    for (let state = 'running'; state === 'running'; ) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      ({ state, changed: count } = JSON.parse(await ask(url, `/ojs/v1/admin/bulk/${id}`)));
    }
  } finally {
    over.abort();
  }
  return { what: 'bulk retry', seconds: (performance.now() - from) / 1_000, count, rest: await beside };
}
