import type { EventSummary } from '@ojs-ts/core/events';

/** The events since the last summary (`GET /ojs/v1/admin/events/summaries`). */
export type Summary = EventSummary;

export const nothing: Summary = {
  count: 0,
  types: {},
  queues: [],
  jobs: [],
  workflows: [],
  crons: [],
  workers: [],
  truncated: false,
  gap: false,
};

const most = 500;

export function merge(first: Summary, second: Summary): Summary {
  const types: Record<string, number> = { ...first.types };
  for (const [type, count] of Object.entries(second.types)) types[type] = (types[type] ?? 0) + count;
  let truncated = first.truncated || second.truncated;
  const joined = (name: 'queues' | 'jobs' | 'workflows' | 'crons' | 'workers'): readonly string[] => {
    const all = [...new Set([...first[name], ...second[name]])];
    if (all.length > most) truncated = true;
    return all.slice(0, most);
  };
  return {
    count: first.count + second.count,
    types,
    queues: joined('queues'),
    jobs: joined('jobs'),
    workflows: joined('workflows'),
    crons: joined('crons'),
    workers: joined('workers'),
    truncated,
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
