import { percentile } from '../statistics.ts';

/** What an operator's page or command asks. */
export interface Call {
  readonly what: string;
  readonly path: string;
}

export interface CallTimes {
  readonly what: string;
  /** Milliseconds: the first call of a server that has just started, then of the rest. */
  readonly cold: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Whole answers, read as text. */
export async function ask(url: string, path: string, init?: RequestInit): Promise<string> {
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  return text;
}

/** Each call once on a server that has just started, then all in turn, so that none profits from its repetition. */
export async function timesOf(url: string, calls: readonly Call[], rounds: number): Promise<readonly CallTimes[]> {
  const times = calls.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, { path }] of calls.entries()) {
      const from = performance.now();
      await ask(url, path);
      times[at]?.push(performance.now() - from);
    }
  }
  return calls.map(({ what }, at) => {
    const [cold = Number.NaN, ...warm] = times[at] ?? [];
    return { what, cold, p50: percentile(warm, 0.5), p99: percentile(warm, 0.99), max: percentile(warm, 1) };
  });
}
