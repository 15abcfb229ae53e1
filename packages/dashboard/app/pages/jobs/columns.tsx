import { parsePlace, QueryError } from '@ojs-ts/core/query';
import type { ListedJob } from '@ojs-ts/core/schemas';
import { formatDuration } from '../../format/times.ts';
import type { Column } from '../../ui/data-table.tsx';
import { JobLink, JobStateBadge, Time, useNow } from '../../ui/index.ts';
import { JobPreview, JsonPreview } from '../../ui/job-preview.tsx';

/** Characters of a value that a cell has; the whole value is on the page of the job. */
const shown = 200;

/** The columns that a reader may choose, in their order. */
export const allColumns: readonly Column<ListedJob>[] = [
  { id: 'type', label: 'Type', align: 'clip', cell: ({ id, type }) => <JobLink id={id} text={type} preload={false} /> },
  { id: 'args', label: 'Args', align: 'clip', cell: (job) => <JobPreview job={job} /> },
  { id: 'state', label: 'State', cell: (job) => <JobStateBadge job={job} /> },
  { id: 'queue', label: 'Queue', align: 'clip', cell: ({ queue }) => queue },
  { id: 'priority', label: 'Priority', align: 'number', cell: ({ priority }) => priority },
  { id: 'attempt', label: 'Attempt', align: 'number', cell: attemptOf },
  { id: 'tags', label: 'Tags', align: 'clip', cell: ({ tags }) => tags?.join(', ') ?? '' },
  { id: 'created', label: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
  { id: 'scheduled', label: 'Scheduled', cell: ({ scheduled_at }) => <Time at={scheduled_at} /> },
  { id: 'started', label: 'Started', cell: ({ started_at }) => <Time at={started_at} /> },
  { id: 'ended', label: 'Ended', cell: (job) => <Time at={endOf(job)} /> },
  { id: 'duration', label: 'Duration', align: 'number', cell: (job) => <Duration job={job} /> },
  { id: 'worker', label: 'Worker', align: 'clip', cell: ({ worker_id }) => worker_id ?? '' },
  { id: 'error', label: 'Error', align: 'clip', cell: ({ error }) => <Text text={error?.message ?? ''} /> },
  { id: 'id', label: 'Id', cell: ({ id }) => <JobLink id={id} className="mono nowrap" preload={false} /> },
];

export const usualColumns: readonly string[] = 'type,args,state,queue,attempt,created,duration,error'.split(',');

const isKnown = (id: string): boolean => allColumns.some((column) => column.id === id);

/** The ids of the columns of an address, such as `type,state,meta.tenant`; null if it has none that is known. */
export function readColumns(text: string): readonly string[] | null {
  const ids = text.split(',').filter((id) => isKnown(id) || placeOf(id) !== null);
  return ids.length === 0 ? null : [...new Set(ids)];
}

/** The columns with these ids, also those of paths in `args` and `meta`. */
export function columnsOf(ids: readonly string[]): readonly Column<ListedJob>[] {
  const paths = ids.filter((id) => !isKnown(id));
  return [...allColumns.filter(({ id }) => ids.includes(id)), ...paths.map(columnOfPath)];
}

function columnOfPath(id: string): Column<ListedJob> {
  const place = placeOf(id);
  return {
    id,
    label: id,
    align: 'clip',
    cell: ({ args, meta }) => <JsonPreview value={valueAt(place?.field === 'args' ? args : meta, place?.path ?? [])} />,
  };
}

/** A path of `args` or `meta` that may be a column. */
export function placeOf(text: string): ReturnType<typeof parsePlace> | null {
  if (text.includes(',')) return null;
  try {
    const place = parsePlace(text);
    return (place.field === 'args' || place.field === 'meta') && place.path.length > 0 ? place : null;
  } catch (error) {
    if (error instanceof QueryError) return null;
    throw error;
  }
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

function endOf({ completed_at, cancelled_at, discarded_at }: ListedJob): string | undefined {
  return completed_at ?? cancelled_at ?? discarded_at;
}

function attemptOf({ attempt, max_attempts }: ListedJob): string {
  return max_attempts === undefined ? String(attempt) : `${attempt} / ${max_attempts}`;
}

function Text({ text }: { readonly text: string }) {
  return <span title={text}>{text.slice(0, shown)}</span>;
}

function Duration({ job }: { readonly job: ListedJob }) {
  const { started_at, state } = job;
  if (started_at === undefined) return null;
  if (state === 'active') return <Running since={Date.parse(started_at)} />;
  const end = endOf(job);
  return end === undefined ? null : formatDuration(Math.max(0, Date.parse(end) - Date.parse(started_at)));
}

function Running({ since }: { readonly since: number }) {
  return formatDuration(Math.max(0, useNow() - since));
}
