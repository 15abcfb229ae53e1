import './jobs.css';
import { uuidv7 } from '@ojs-ts/core';
import type { BulkAction } from '@ojs-ts/core/bulk';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { call } from '../../api/client.ts';
import { useEveryQueue, useMay } from '../../api/session.ts';
import { formatCount, formatTotal } from '../../format/numbers.ts';
import { problemOf } from '../../json/problem.ts';
import { Button, Confirm, Dialog, Failure, JobLink, Loading, TextField } from '../../ui/index.ts';
import { JobPreview } from '../../ui/job-preview.tsx';
import { changedStates, changeFieldsOf, wordsOf } from '../bulk/actions.ts';
import { ChangeFields } from '../job/change-fields.tsx';
import { bodyOf, changedMembers, emptyFields } from '../job/changes.ts';

/** The jobs of a bulk action: chosen ones, or all that match a query. */
export type BulkTargets =
  | { readonly kind: 'ids'; readonly ids: readonly string[]; readonly queue: string | null }
  | { readonly kind: 'query'; readonly q: string };

/** Ids of one operation: a query has 2,000 characters. */
const idsAtOnce = 50;

/** Returns the members of the operations that select their jobs. Many chosen jobs are several operations. */
function selectionsOf(targets: BulkTargets): readonly { readonly query?: string; readonly filter?: object }[] {
  if (targets.kind === 'query') return [targets.q === '' ? { filter: {} } : { query: targets.q }];
  const { ids } = targets;
  const parts = Array.from({ length: Math.ceil(ids.length / idsAtOnce) }, (_, index) =>
    ids.slice(index * idsAtOnce, (index + 1) * idsAtOnce),
  );
  // A token for some queues must name one.
  const within = targets.queue === null ? {} : { filter: { queue: targets.queue } };
  return parts.map((part) => ({ query: `id:${part.join(',')}`, ...within }));
}

/** From this count on a deletion asks for the count to be typed. */
const manyJobs = 100;

interface DryRun {
  readonly matched: number;
  readonly isLowerBound: boolean;
  readonly sample: readonly string[];
}

async function dryRun(action: BulkAction, targets: BulkTargets, signal: AbortSignal): Promise<DryRun> {
  let sum: DryRun = { matched: 0, isLowerBound: false, sample: [] };
  for (const selection of selectionsOf(targets)) {
    const answer = await call('bulk.start', { body: { action, ...selection, dry_run: true }, signal });
    if (!('dry_run' in answer)) continue;
    sum = {
      matched: sum.matched + answer.matched,
      isLowerBound: sum.isLowerBound || answer.matched_is_lower_bound,
      sample: [...sum.sample, ...answer.sample].slice(0, 5),
    };
  }
  return sum;
}

export interface BulkDialogProps {
  readonly action: BulkAction;
  readonly targets: BulkTargets;
  /** The jobs in words, where the query has only a code for them. */
  readonly about?: string | undefined;
  /** With the ids of the operations. */
  readonly onStarted: (ids: readonly string[]) => void;
  readonly onClose: () => void;
}

/** Counts first, by a dry run; then starts the operation. */
export function BulkDialog({ action, targets, about, onStarted, onClose }: BulkDialogProps) {
  const { verb, effect } = wordsOf(action);
  const client = useQueryClient();
  const [rate, setRate] = useState('');
  const [fields, setFields] = useState(emptyFields);
  // A repeated start is the same operation.
  const [key] = useState(() => uuidv7());
  /** A part runs with these values already. */
  const [isStarted, setStarted] = useState(false);
  const counted = useQuery({
    queryKey: ['bulk dry run', action, targets],
    queryFn: ({ signal }) => dryRun(action, targets, signal),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  const title = `${verb}: ${targets.kind === 'ids' ? 'chosen jobs' : 'all jobs that match'}`;
  if (counted.data === undefined) {
    return (
      <Dialog title={title} onClose={onClose} foot={<Button onClick={onClose}>Cancel</Button>}>
        {counted.error === null ? (
          <>
            <p>The server counts the jobs.</p>
            <Loading lines={2} />
          </>
        ) : (
          <Failure error={counted.error} retry={() => void counted.refetch()} />
        )}
      </Dialog>
    );
  }
  const { matched, isLowerBound, sample } = counted.data;
  const total = formatTotal(matched, isLowerBound);
  const asked = Number(rate);
  const problem =
    rate !== '' && !(asked >= 0.001 && asked <= 100_000) ? 'Expected a number from 0.001 to 100,000.' : null;
  const names = changeFieldsOf(action);
  const changes = changedMembers(emptyFields, fields);
  const isReady =
    (names.length === 0 || action === 'rerun' || changes.length > 0) &&
    [fields.args, fields.meta].every((text) => text.trim() === '' || problemOf(text) === null);
  const start = async (): Promise<void> => {
    if (problem !== null) throw new Error(problem);
    const ids: string[] = [];
    for (const [index, selection] of selectionsOf(targets).entries()) {
      const request = JSON.stringify({ action, ...selection, confirm: true, ...(rate !== '' && { rate: asked }) });
      // The changes are JSON text, which goes out digit by digit.
      const body = changes.length === 0 ? request : `${request.slice(0, -1)},"changes":${bodyOf(changes)}}`;
      const answer = await call('bulk.start', { body, idempotencyKey: `${key}-${index}` });
      if ('id' in answer) ids.push(answer.id);
      setStarted(true);
    }
    void client.invalidateQueries({ queryKey: ['bulk.list'] });
    onStarted(ids);
  };
  if (matched === 0) {
    return (
      <Dialog title={title} onClose={onClose} foot={<Button onClick={onClose}>Close</Button>}>
        <p>No job would change. The action changes jobs in these states: {changedStates(action).join(', ')}.</p>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={title}
      confirm={`${verb} ${total} ${matched === 1 ? 'job' : 'jobs'}`}
      destroys={['delete', 'purge', 'discard', 'cancel'].includes(action)}
      {...((action === 'delete' || action === 'purge') && matched >= manyJobs && { typed: String(matched) })}
      isReady={isReady}
      onConfirm={start}
      onClose={onClose}
    >
      <div className="stack">
        <p>
          <strong>
            {total} {matched === 1 && !isLowerBound ? 'job' : 'jobs'}
          </strong>{' '}
          would change. {effect}
        </p>
        {about !== undefined && <p className="breaks">{about}</p>}
        {targets.kind === 'query' && <pre className="written">{targets.q === '' ? 'all jobs' : targets.q}</pre>}
        {targets.kind === 'ids' && matched < targets.ids.length && (
          <p className="soft small">
            {formatCount(targets.ids.length - matched)} of {formatCount(targets.ids.length)} chosen jobs are in other
            states, and stay as they are.
          </p>
        )}
        <div>
          <span className="label">Some of them</span>
          <Sample ids={sample.slice(0, 5)} />
        </div>
        <fieldset className="stack" disabled={isStarted}>
          {names.length > 0 && (
            <ChangeFields
              fields={fields}
              names={names}
              mayBeEmpty
              onChange={(change) => setFields((last) => ({ ...last, ...change }))}
            />
          )}
          <TextField
            label="At most, jobs per second"
            hint="Empty: as fast as the server can"
            problem={problem}
            inputMode="decimal"
            value={rate}
            onChange={(text) => setRate(text.trim())}
            autoComplete="off"
          />
          {isStarted && <p className="soft small">A part of the jobs has these values already.</p>}
        </fieldset>
      </div>
    </Confirm>
  );
}

/** Describes some of the jobs, as far as the caller sees them. */
function Sample({ ids }: { readonly ids: readonly string[] }) {
  const isForAll = useEveryQueue();
  const may = useMay('job.list') && isForAll;
  const jobs = useCall('job.list', { query: { q: `id:${ids.join(',')}`, limit: ids.length }, enabled: may });
  const known = new Map(jobs.data?.jobs.map((job) => [job.id, job]));
  return (
    <ul className="sample">
      {ids.map((id) => {
        const job = known.get(id);
        return (
          <li key={id}>
            <JobLink
              id={id}
              target="_blank"
              title={id}
              className={job ? undefined : 'mono small'}
              text={job?.type ?? id}
            />{' '}
            {job !== undefined && <JobPreview job={job} />}
          </li>
        );
      })}
    </ul>
  );
}
