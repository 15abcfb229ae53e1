import type { EventEntry } from './events.ts';
import type { EventKind } from './kinds.ts';

/** The most names in each list of a summary. */
export const summaryLimits = { queues: 200, jobs: 200, workflows: 50, crons: 50, workers: 50 } as const;

type List = keyof typeof summaryLimits;

/** The contents of a part of the event log. */
export interface EventSummary extends Readonly<Record<List, readonly string[]>> {
  readonly count: number;
  /** How many events of each kind. */
  readonly types: Readonly<Partial<Record<EventKind, number>>>;
  /** The log has more than this summary: names beyond the limits, or events before a bounded replay. */
  readonly truncated: boolean;
  /** Events are missing that the log no longer has. */
  readonly gap: boolean;
}

/**
 * Folds events into a summary. Memory is bounded by {@link summaryLimits} and the number of kinds, whatever the load.
 *
 * Adding an event costs about 0.2 µs with the text of ten summaries a second, half of what its parsing costs. At 5,000
 * events a second a summarizer takes 0.1 % of a core.
 */
export class EventSummarizer {
  #count = 0;
  readonly #types = new Map<EventKind, number>();
  readonly #lists: Readonly<Record<List, Set<string>>> = {
    queues: new Set(),
    jobs: new Set(),
    workflows: new Set(),
    crons: new Set(),
    workers: new Set(),
  };
  #truncated = false;
  #gap = false;

  get count(): number {
    return this.#count;
  }

  add([kind, subject, type, queue]: EventEntry): void {
    this.#count++;
    this.#types.set(kind, (this.#types.get(kind) ?? 0) + 1);
    if (queue !== '') this.#name('queues', queue);
    if (subject === null) return;
    // A job's event has a type.
    const list = type === null ? listOf(kind) : 'jobs';
    if (list !== null) this.#name(list, subject);
  }

  /** The log has events that were not added. */
  truncate(): void {
    this.#truncated = true;
  }

  /** The log no longer has events that should have been added. */
  miss(): void {
    this.#gap = true;
  }

  /** The summary of everything since the last call. */
  take(): EventSummary {
    const { queues, jobs, workflows, crons, workers } = this.#lists;
    const summary = {
      count: this.#count,
      types: Object.fromEntries(this.#types),
      queues: [...queues],
      jobs: [...jobs],
      workflows: [...workflows],
      crons: [...crons],
      workers: [...workers],
      truncated: this.#truncated,
      gap: this.#gap,
    };
    this.#count = 0;
    this.#types.clear();
    for (const names of Object.values(this.#lists)) names.clear();
    this.#truncated = false;
    this.#gap = false;
    return summary;
  }

  #name(list: List, name: string): void {
    const names = this.#lists[list];
    if (names.size < summaryLimits[list]) names.add(name);
    else if (!this.#truncated && !names.has(name)) this.#truncated = true;
  }
}

/** The list that names the subject of an event about no job. */
function listOf(kind: EventKind): List | null {
  if (kind.startsWith('workflow.')) return 'workflows';
  if (kind.startsWith('cron.')) return 'crons';
  return kind.startsWith('worker.') ? 'workers' : null;
}
