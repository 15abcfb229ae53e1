/** What has happened since the last summary (`GET /ojs/v1/admin/events/summaries`). */
export interface Summary {
  readonly count: number;
  /** Number of events by their type. */
  readonly types: Readonly<Record<string, number>>;
  readonly queues: readonly string[];
  readonly jobs: readonly string[];
  readonly workflows: readonly string[];
  /** More happened than the lists name. */
  readonly truncated: boolean;
  /** Events are missing: the log no longer has them. */
  readonly gap: boolean;
}

export const nothing: Summary = {
  count: 0,
  types: {},
  queues: [],
  jobs: [],
  workflows: [],
  truncated: false,
  gap: false,
};

const most = 500;

export function merge(first: Summary, second: Summary): Summary {
  const types: Record<string, number> = { ...first.types };
  for (const [type, count] of Object.entries(second.types)) types[type] = (types[type] ?? 0) + count;
  const jobs = [...new Set([...first.jobs, ...second.jobs])];
  return {
    count: first.count + second.count,
    types,
    queues: [...new Set([...first.queues, ...second.queues])],
    jobs: jobs.slice(0, most),
    workflows: [...new Set([...first.workflows, ...second.workflows])].slice(0, most),
    truncated: first.truncated || second.truncated || jobs.length > most,
    gap: first.gap || second.gap,
  };
}

/** For `live` of a call: whether something of this kind has happened. */
export function hasType(summary: Summary, ...beginnings: readonly string[]): boolean {
  if (summary.truncated || summary.gap) return true;
  return Object.keys(summary.types).some((type) => beginnings.some((beginning) => type.startsWith(beginning)));
}

export function hasJob(summary: Summary, id: string): boolean {
  return summary.truncated || summary.gap || summary.jobs.includes(id);
}

export function hasQueue(summary: Summary, name: string): boolean {
  return summary.truncated || summary.gap || summary.queues.includes(name);
}

export function hasWorkflow(summary: Summary, id: string): boolean {
  return summary.truncated || summary.gap || summary.workflows.includes(id);
}
