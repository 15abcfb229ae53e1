import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import type { Paced } from '../task.ts';

/** A queue under a steady load. */
export interface Subject {
  enqueue(n: number): Promise<unknown>;
  /** Starts a worker; resolves when it looks for jobs. */
  work(concurrency: number, onStart: (n: number) => void): Promise<{ stop(): Promise<unknown> }>;
  /** Jobs of the store that are not finished, by its own count. */
  unfinished(): Promise<number>;
}

const concurrency = 100;
/** A queue that is so far behind does not keep up; more would only fill memory. */
const mostBehindSeconds = 3;
/** What a queue may need for the last jobs. */
const graceMs = 2_000;
const sampleMs = 50;
/** Of the run, and at most so long: a new process compiles its code meanwhile, which no steady load does. */
const warmUp = { share: 1 / 4, seconds: 5 };
/** Jobs of so much time may wait more at the end than in the first half. */
const slackMs = 100;

/** Runs the load; {@link Paced.behind} says whether enqueue, claim and ack stayed level. */
export async function paced(subject: Subject, rate: number, seconds: number): Promise<Paced> {
  const jobs = Math.max(1, Math.round(rate * seconds));
  const starts = new Float64Array(jobs).fill(Number.NaN);
  let started = 0;
  let answered = 0;
  const worker = await subject.work(concurrency, (n) => {
    if (!Number.isNaN(starts[n] ?? 0)) throw new Error(`job ${n} was started twice, or never made`);
    starts[n] = performance.now();
    started++;
  });
  const backlog: number[] = [];
  let sampledAt = 0;
  let failure: Error | undefined;
  const from = performance.now();
  const dueAt = (n: number) => from + (n / rate) * 1_000;
  let sent = 0;
  let behind: string | null = null;
  while (sent < jobs && behind === null && failure === undefined) {
    for (const now = performance.now(); sent < jobs && dueAt(sent) <= now; sent++) {
      subject.enqueue(sent).then(
        () => {
          answered++;
        },
        (error: unknown) => {
          failure = error instanceof Error ? error : new Error(String(error));
        },
      );
    }
    if (performance.now() - sampledAt >= sampleMs) {
      sampledAt = performance.now();
      // What should be there by the clock, not what the producer managed: a producer that is late is behind too.
      const waiting = Math.min(jobs, ((sampledAt - from) / 1_000) * rate) - started;
      backlog.push(waiting);
      if (waiting > rate * mostBehindSeconds) behind = `${Math.round(waiting)} jobs behind after ${sent}`;
    }
    await pause(1);
  }
  if (failure !== undefined) throw failure;
  behind ??= growth(backlog, rate);
  const until = performance.now() + graceMs;
  while (started < sent || answered < sent || (await subject.unfinished()) > 0) {
    if (failure !== undefined) throw failure;
    if (performance.now() > until) {
      behind ??= `${sent - started} jobs not started, ${sent - answered} not answered ${graceMs / 1_000} s after the last`;
      break;
    }
    await pause(5);
  }
  await worker.stop();
  const first = Math.floor(rate * Math.min(warmUp.seconds, seconds * warmUp.share));
  const times = [...starts].flatMap((start, n) => (n < first || Number.isNaN(start) ? [] : [start - dueAt(n)]));
  const of = (share: number) => percentile(times, share);
  return { kind: 'paced', p50: of(0.5), p99: of(0.99), p999: of(0.999), max: of(1), behind };
}

/** Whether more jobs wait in the last quarter than in the second one, by more than a queue's own rhythm. */
export function growth(backlog: readonly number[], rate: number): string | null {
  const quarter = Math.floor(backlog.length / 4);
  if (quarter === 0) return null;
  const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;
  const early = mean(backlog.slice(quarter, 2 * quarter));
  const late = mean(backlog.slice(-quarter));
  if (late <= 1.5 * early + (rate * slackMs) / 1_000) return null;
  return `${Math.round(late)} jobs waited in the last quarter, ${Math.round(early)} in the second`;
}
