/** What the page of one job reads beside the job itself, whose text stays whole. */
export interface JobDetailAnswers {
  readonly 'job.explain': Explanation;
  readonly 'job.history': { readonly events: readonly HistoryEvent[] };
}

/** Why a job does not run (docs/explain.md). */
export interface Explanation {
  readonly workflow_id?: string;
  readonly state: string;
  readonly verdict: string;
  readonly reasons: readonly Reason[];
  readonly next_start_at: string | null;
}

export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly since?: string;
  readonly until?: string;
  readonly jobs?: readonly { readonly id: string; readonly worker_id: string | null; readonly since: string | null }[];
  readonly workers?: readonly {
    readonly id: string;
    readonly status: string;
    readonly held: number | null;
    readonly slots: number | null;
    readonly last_seen_at: string | null;
  }[];
  /** Of limits; `queue:NAME` is the limit of a queue. */
  readonly keys?: readonly string[];
  readonly queues?: readonly { readonly name: string; readonly available: number }[];
  readonly steps?: readonly { readonly id: string; readonly state: string; readonly job_id: string | null }[];
  /** Available jobs that start first. */
  readonly before?: number;
  /** There are more than the lists have. */
  readonly partial?: true;
}

export interface HistoryEvent {
  readonly id: string;
  readonly event_type: string;
  readonly timestamp: string;
  readonly data: HistoryData;
  /** Its time follows from the events around it. */
  readonly metadata?: { readonly reconstructed: true };
}

export interface HistoryData {
  /** Of a creation. */
  readonly state?: string;
  readonly from?: string;
  readonly to?: string;
  readonly attempt?: number;
  readonly worker_id?: string;
  readonly reason?: string;
}
