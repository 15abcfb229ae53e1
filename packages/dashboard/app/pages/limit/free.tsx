import { limitedQueue, planFreeing, type SlotHolder, type WorkerHealth } from '@ojs-ts/core/lifecycle';
import type { ListedJob } from '@ojs-ts/core/schemas';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call, callText } from '../../api/client.ts';
import { isMissing } from '../../api/failure.ts';
import { formatCount } from '../../format/numbers.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Badge, Confirm, Failure, JobLink, Loading, Time } from '../../ui/index.ts';
import { JobPreview } from '../../ui/job-preview.tsx';
import { showToast } from '../../ui/toasts.ts';

/** Jobs that are looked at: a limit has a few slots. */
const most = 1_000;
const shown = 20;

/** The active jobs of a limit in the query language; a queue is a limit of its own. */
export function heldBy(key: string): string {
  const queue = limitedQueue(key);
  return queue === null ? `limit:${JSON.stringify(key)}` : `queue:${JSON.stringify(queue)}`;
}

interface Holder extends SlotHolder {
  readonly job: ListedJob;
}

async function holdersOf(key: string, signal: AbortSignal): Promise<readonly Holder[]> {
  const { jobs } = await call('job.list', { query: { q: `${heldBy(key)} state:active`, limit: most }, signal });
  const workers = new Map<string, WorkerHealth>();
  for (const id of new Set(jobs.map(({ worker_id = '' }) => worker_id))) workers.set(id, await healthOf(id, signal));
  return jobs.map((job) => {
    const { id, worker_id = '' } = job;
    return { id, worker_id, worker: workers.get(worker_id) ?? 'unknown', job };
  });
}

const healths: Readonly<Record<string, WorkerHealth>> = { ok: 'alive', unhealthy: 'dead', unknown: 'silent' };

async function healthOf(id: string, signal: AbortSignal): Promise<WorkerHealth> {
  if (id === '') return 'unknown';
  try {
    const { status } = await call('worker.health', { params: { id }, signal });
    return healths[status] ?? 'unknown';
  } catch (error) {
    if (isMissing(error)) return 'unknown';
    throw error;
  }
}

export interface FreeProps {
  readonly limit: string;
  readonly onClose: () => void;
}

/** Gives back the slots of a limit whose workers are gone, as `ojs limits free` does. */
export function Free({ limit, onClose }: FreeProps) {
  const client = useQueryClient();
  const [isForced, setForced] = useState(false);
  const holders = useQuery({
    queryKey: ['limit holders', limit],
    queryFn: ({ signal }) => holdersOf(limit, signal),
    staleTime: 0,
    gcTime: 0,
  });
  const found = holders.data ?? [];
  const plan = planFreeing(found, isForced);
  const { removed, cancelled } = plan;
  const steps = [
    ...(removed.length === 0 ? [] : [`remove ${counted(removed.length, 'worker')}`]),
    ...(cancelled.length === 0 ? [] : [`cancel ${counted(cancelled.length, 'job')}`]),
  ].join(' and ');
  const free = async (): Promise<void> => {
    for (const id of removed) await remove(id);
    if (cancelled.length > 0) await callText('bulk.cancel', { body: { job_ids: cancelled, confirm: true } });
    showToast({ kind: 'done', text: `Freed slots of ${limit}.` });
    await Promise.all(
      ['limit.get', 'limit.list', 'job.list', 'worker.list'].map((name) =>
        client.invalidateQueries({ queryKey: [name] }),
      ),
    );
  };
  return (
    <Confirm
      title={`Free slots of ${limit}?`}
      confirm={steps === '' ? 'Free slots' : `${steps.charAt(0).toUpperCase()}${steps.slice(1)}`}
      destroys
      isReady={steps !== ''}
      onConfirm={free}
      onClose={onClose}
    >
      <div className="stack">
        <p>
          This frees the slots that dead workers hold: the workers are removed, and their jobs run again as after a
          crash.
        </p>
        {holders.isPending && <Loading lines={2} />}
        {holders.error !== null && <Failure error={holders.error} />}
        {holders.data !== undefined && found.length === 0 && <p>No job holds a slot.</p>}
        {found.length > 0 && (
          <DataTable
            label="Jobs that hold slots"
            rows={found.slice(0, shown)}
            columns={columns}
            idOf={({ id }) => id}
          />
        )}
        {found.length > shown && <p className="soft">and {formatCount(found.length - shown)} more</p>}
        <label className="check">
          <input type="checkbox" checked={isForced} onChange={() => setForced(!isForced)} />
          Also free slots of workers that may be alive
        </label>
        <p className="soft small">Silent workers are then removed, and the jobs of the others are cancelled.</p>
        {holders.data !== undefined && found.length > 0 && steps === '' && (
          <p role="status">None of these workers is dead, so nothing would change.</p>
        )}
      </div>
    </Confirm>
  );
}

async function remove(id: string): Promise<void> {
  try {
    await callText('worker.remove', { params: { id }, query: { force: true } });
  } catch (error) {
    // Upkeep may have been faster.
    if (!isMissing(error)) throw error;
  }
}

function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}

const columns: readonly Column<Holder>[] = [
  {
    id: 'job',
    label: 'Job',
    align: 'clip',
    cell: ({ id, job }) => <JobLink id={id} target="_blank" text={job.type} />,
  },
  { id: 'args', label: 'Args', align: 'clip', cell: ({ job }) => <JobPreview job={job} /> },
  { id: 'since', label: 'Started', cell: ({ job }) => <Time at={job.started_at} /> },
  {
    id: 'worker',
    label: 'Worker',
    cell: ({ worker }) => <Badge tone={worker === 'alive' ? 'good' : 'bad'}>{worker}</Badge>,
  },
];
