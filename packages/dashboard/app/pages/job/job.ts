import { members } from '@ojs-ts/core';
import type { Answers } from '@ojs-ts/core/schemas';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { callText } from '../../api/client.ts';
import { parse } from '../../json/numeral.ts';
import { hasJob } from '../../live/summary.ts';

/** The members of a job that the page reads; those of its user stay text. */
export type Job = Omit<Answers['admin.job'], 'args' | 'result' | 'parent_results' | 'errors' | 'error'>;
export type JobState = Job['state'];

export interface JobDocument {
  readonly job: Job;
  /** The JSON text of each member, as the server sent it. */
  readonly parts: ReadonlyMap<string, string>;
}

/** Members that may be large, and are read only where they are shown. */
const opaque: ReadonlySet<string> = new Set(['args', 'result', 'parent_results', 'errors', 'error']);

export function readJob(text: string): JobDocument {
  const parts = members(text);
  const light = [...parts]
    .filter(([name]) => !opaque.has(name))
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return { job: parse(`{${light.join(',')}}`) as Job, parts };
}

/** The whole history: a job keeps 20 entries, of a few events each. */
export const historyQuery = { limit: 1_000 };

/** Begins the key of every answer about this job's envelope. */
export function jobKey(id: string): readonly unknown[] {
  return ['admin.job', { id }, 'document'];
}

export function useJob(id: string): UseQueryResult<JobDocument, Error> {
  return useQuery({
    queryKey: jobKey(id),
    queryFn: async ({ signal }) => readJob(await callText('admin.job', { params: { id }, signal })),
    structuralSharing: false,
    meta: { live: (summary) => hasJob(summary, id) },
  });
}

const ended: ReadonlySet<JobState> = new Set<JobState>(['completed', 'discarded', 'cancelled']);

export function isEnded(state: JobState): boolean {
  return ended.has(state);
}

/** Reports whether it may still start: `job.edit` takes these. */
export function isWaiting(state: JobState): boolean {
  return state !== 'active' && !isEnded(state);
}
