import { blindFetches } from '../certainty.ts';
import type { Rule } from '../rule.ts';
import type { JobHistory, Span, Timeline } from '../timeline.ts';

/** A plain job that certainly waited from `from` until `until`. */
interface Waiting {
  readonly id: string;
  readonly from: number;
  readonly until: number;
}

/** Jobs of one queue and priority by the time when they were there, with the longest wait up to each. */
class Line {
  readonly #waiting: Waiting[];
  readonly #longest: Waiting[] = [];

  constructor(waiting: readonly Waiting[]) {
    this.#waiting = [...waiting].sort((left, right) => left.from - right.from);
    let longest: Waiting | undefined;
    for (const job of this.#waiting) {
      if (longest === undefined || job.until > longest.until) longest = job;
      this.#longest.push(longest);
    }
  }

  /** A job that was there before a moment and waited until after another. */
  find(before: number, until: number): Waiting | undefined {
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const job = this.#waiting[middle];
      if (job !== undefined && job.from < before) low = middle + 1;
      else high = middle;
    }
    const longest = this.#longest[low - 1];
    return longest !== undefined && longest.until > until ? longest : undefined;
  }
}

/** How long the job certainly waited, if it is a plain one. */
function waitOf(timeline: Timeline, job: JobHistory, blind: readonly Span[]): Waiting | undefined {
  const { asked, created, claims, operations, replaced, final } = job;
  if (asked === undefined || created === undefined || created.to === Number.POSITIVE_INFINITY) return undefined;
  const isPlain = !asked.limits?.length && asked.dueAt === undefined && asked.expires !== true;
  if (!isPlain || timeline.config.limits?.some(({ queue }) => queue === asked.queue)) return undefined;
  const first = claims[0];
  // A job that ended unclaimed made way for another at a moment that nobody knows.
  if (first === undefined && final !== undefined && final.state !== 'waiting') return undefined;
  const moments = [
    first?.from ?? Number.POSITIVE_INFINITY,
    ...[...operations, ...replaced].map(({ from }) => from),
    // A fetch without an answer may have taken it, unless the claims are counted.
    first?.claim === 1
      ? Number.POSITIVE_INFINITY
      : (blind.find(({ to }) => to >= created.from)?.from ?? Number.POSITIVE_INFINITY),
  ];
  const until = Math.min(...moments);
  return until > created.to ? { id: job.id, from: created.to, until } : undefined;
}

/** Of a queue, the higher priority is claimed first, and within a priority the job that was there first. */
export const order: Rule = (timeline, broken) => {
  const jitter = timeline.config.orderJitterMs ?? 0;
  const blind = blindFetches(timeline);
  const lines = new Map<string, Map<number, Waiting[]>>();
  for (const job of timeline.jobs.values()) {
    if (job.asked === undefined) continue;
    const waiting = waitOf(timeline, job, blind(job.asked.queue));
    if (waiting === undefined) continue;
    const { queue, priority = 0 } = job.asked;
    const byPriority = lines.get(queue) ?? new Map<number, Waiting[]>();
    const line = byPriority.get(priority) ?? [];
    line.push(waiting);
    lines.set(queue, byPriority.set(priority, line));
  }
  const sorted = new Map(
    [...lines].map(([queue, byPriority]) => [
      queue,
      [...byPriority].map(([priority, waiting]) => ({ priority, line: new Line(waiting) })),
    ]),
  );
  let judged = 0;
  for (const { id, asked, created, claims } of timeline.jobs.values()) {
    const claim = claims[0];
    if (claim === undefined || asked === undefined || created === undefined) continue;
    judged += 1;
    for (const { priority, line } of sorted.get(asked.queue) ?? []) {
      if (priority < (asked.priority ?? 0)) continue;
      const before = Math.min(priority > (asked.priority ?? 0) ? claim.from : created.from, claim.from);
      const passed =
        asked.dueAt !== undefined && priority === (asked.priority ?? 0)
          ? undefined
          : line.find(before, claim.to + jitter);
      if (passed)
        broken({
          at: claim.to,
          job: id,
          message:
            `was claimed while ${passed.id} (priority ${priority}, ` +
            `there since ${passed.from}) waited until ${passed.until}`,
        });
    }
  }
  return judged;
};
