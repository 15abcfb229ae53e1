import type { HistoryEvent } from '@ojs-ts/core/schemas';

/** A part of a job's life, in one state. Times are in milliseconds. */
export interface Span {
  readonly state: string;
  readonly from: number;
  /** Null while it lasts. */
  readonly to: number | null;
  /** The attempt of an execution: null in a state that waits. */
  readonly attempt: number | null;
  readonly worker: string | null;
  /** How an execution ended; null while it runs, and of a state that waits. */
  readonly outcome: 'completed' | 'failed' | 'cancelled' | 'discarded' | 'returned' | null;
  /** The job does not keep when it began or ended. */
  readonly isGuess: boolean;
}

export interface Life {
  readonly createdAt: number | null;
  readonly spans: readonly Span[];
  /** Null while the job has not ended. */
  readonly end: { readonly state: string; readonly at: number } | null;
  /** The time at which an operator, or retention, deleted the history before it. */
  readonly purgedAt: number | null;
}

const endStates: ReadonlySet<string> = new Set(['completed', 'cancelled', 'discarded']);

/** Converts the events of a job's history (oldest first) to parts that follow one another. */
export function lifeOf(events: readonly HistoryEvent[]): Life {
  const spans: Span[] = [];
  let createdAt: number | null = null;
  let end: Life['end'] = null;
  let purgedAt: number | null = null;
  let open: Span | null = null;
  const begin = (state: string, from: number, isGuess: boolean): Span => ({
    state,
    from,
    to: null,
    attempt: null,
    worker: null,
    outcome: null,
    isGuess,
  });
  for (const { event_type: type, timestamp, data, metadata } of events) {
    const at = Date.parse(timestamp);
    const isGuess = metadata !== undefined;
    if (type === 'job.created') {
      createdAt = at;
      open = begin(data.state ?? 'available', at, isGuess);
    } else if (type === 'job.purged') purgedAt = at;
    else if (type === 'job.attempt_started' && open !== null) {
      open = known(open, { attempt: data.attempt ?? null, worker: data.worker_id || null });
    } else if (type === 'job.attempt_completed' && open !== null) open = known(open, { outcome: 'completed' });
    else if (type === 'job.attempt_failed' && open !== null) open = known(open, { outcome: 'failed' });
    else if (type === 'job.state_changed') {
      const to = data.to ?? '';
      const last: Span | null = open ?? (end === null ? null : begin(end.state, end.at, false));
      if (last !== null && (at > last.from || last.attempt !== null)) spans.push(closed(last, at, to, isGuess));
      end = endStates.has(to) ? { state: to, at } : null;
      open = end === null ? begin(to, at, isGuess) : null;
    }
  }
  return { createdAt, spans: open === null ? spans : [...spans, open], end, purgedAt };
}

function known(span: Span, facts: Partial<Span>): Span {
  return { ...span, ...facts };
}

function closed(span: Span, at: number, next: string, isGuess: boolean): Span {
  const outcome = span.attempt === null ? null : (span.outcome ?? outcomeOf(next));
  return { ...span, to: at, outcome, isGuess: span.isGuess || isGuess };
}

function outcomeOf(next: string): Span['outcome'] {
  return next === 'cancelled' || next === 'discarded' ? next : 'returned';
}

const waits: Readonly<Record<string, string>> = {
  pending: 'Waits for activation',
  scheduled: 'Waits for its time',
  available: 'Waits in the queue',
  retryable: 'Waits for a retry',
  active: 'Runs',
};

export function labelOf({ state, attempt }: Span): string {
  return attempt === null ? (waits[state] ?? `Was ${state}`) : `Attempt ${attempt}`;
}
