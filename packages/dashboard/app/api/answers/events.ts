/** A CloudEvent of the log. */
export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  /** The job, workflow, cron, queue or worker. */
  readonly subject?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventAnswers {
  readonly 'event.list': {
    readonly events: readonly LoggedEvent[];
    readonly cursor: string | null;
    readonly has_more: boolean;
    readonly newest_cursor: string | null;
  };
}
