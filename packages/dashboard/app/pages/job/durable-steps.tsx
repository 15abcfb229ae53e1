import './durable-steps.css';
import { elements, members } from '@ojs-ts/core';
import { readDocument } from '@ojs-ts/core/json';
import type { Answers } from '@ojs-ts/core/schemas';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type CSSProperties, useState } from 'react';
import { keyOf } from '../../api/calls.ts';
import { call, callText } from '../../api/client.ts';
import { useMay, useSession } from '../../api/session.ts';
import { formatDuration } from '../../format/times.ts';
import { hasJob } from '../../live/summary.ts';
import {
  Badge,
  Button,
  Card,
  ConfirmButton,
  Failure,
  Loaded,
  Opener,
  Time,
  type Tone,
  useNow,
} from '../../ui/index.ts';
import { JsonTree } from '../../ui/json-tree.tsx';
import { isEnded, type Job } from './job.ts';
import { useJobCall } from './job-call.ts';
import { SendSignal } from './send-signal.tsx';
import { type Wait, waitedFor } from './waits.ts';

type Step = Answers['job.steps']['steps'][number];

/** While a worker runs the job: records of steps have no event. */
const refreshMs = 2_000;

/** The durable steps of a job in the order of their records; nothing for a job without any. */
export function DurableSteps({ job }: { readonly job: Job }) {
  const { id, state } = job;
  const mayRead = useMay('job.steps');
  const query = useInfiniteQuery({
    queryKey: keyOf('job.steps', { params: { id } }),
    queryFn: ({ pageParam, signal }) =>
      call('job.steps', { params: { id }, query: { values: 'none', after: pageParam }, signal }),
    initialPageParam: 0,
    getNextPageParam: ({ next }: Answers['job.steps']) => next,
    enabled: mayRead,
    refetchInterval: state === 'active' && refreshMs,
    meta: { live: (summary) => hasJob(summary, id) },
  });
  const { data, error, hasNextPage, isFetchingNextPage } = query;
  const now = useNow();
  if (error !== null) return <Failure error={error} retry={() => void query.refetch()} />;
  const steps = data?.pages.flatMap((page) => page.steps) ?? [];
  const mail = data?.pages[0]?.mail ?? [];
  if (steps.length + mail.length === 0) return null;
  const from = Math.min(...steps.map(({ started_at: at }) => Date.parse(at)));
  const isOpen = steps.some((step) => step.state === 'open');
  const to = Math.max(...steps.map(endOf), isOpen ? now : 0, from + 1);
  return (
    <Card title="Steps" note={hasNextPage ? `the first ${steps.length}` : steps.length}>
      <ol className="waterfall">
        {steps.map((step) => (
          <StepRow key={step.name} job={job} step={step} from={from} to={to} />
        ))}
      </ol>
      {mail.map(({ name, unread, oldest_at: oldest }) => (
        <p key={name} className="small">
          <span className="breaks">{name}</span>: {unread === 1 ? 'one unread signal' : `${unread} unread signals`}
          {oldest !== undefined && (
            <>
              , the oldest from <Time at={oldest} />
            </>
          )}
        </p>
      ))}
      <UndoSteps job={job} steps={steps} />
      {hasNextPage && (
        <div>
          <Button busy={isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
    </Card>
  );
}

/** The latest time that is known of a step; an open one lasts until now. */
function endOf({ ended_at: end, started_at: start }: Step): number {
  return Date.parse(end ?? start);
}

interface StepRowProps {
  readonly job: Job;
  readonly step: Step;
  /** The times of the whole chart. */
  readonly from: number;
  readonly to: number;
}

function StepRow({ job, step, from, to }: StepRowProps) {
  const { name, kind, state, tries = 0, error, until, next_at: next, arrived = false } = step;
  const isOpen = state === 'open';
  const start = Date.parse(step.started_at);
  const end = isOpen ? to : endOf(step);
  const place: CSSProperties = {
    left: `${((start - from) / (to - from)) * 100}%`,
    width: `${((end - start) / (to - from)) * 100}%`,
  };
  const [tone, words] = stateOf(step);
  return (
    <li className="step" data-tone={tone}>
      <div className="span-row">
        <span className="span-label breaks">{name}</span>
        <span className="span-track" aria-hidden="true">
          <span
            className="span-bar"
            data-waits={kind === 'sleep' || kind === 'poll' || kind === 'signal' || isOpen}
            style={place}
          />
        </span>
        <span className="span-length number">{isOpen ? '' : formatDuration(end - start)}</span>
      </div>
      <div className="row small step-facts">
        <Badge tone={tone}>{words}</Badge>
        {kind !== 'run' && <span className="soft breaks">{waitedFor(step) ?? kind}</span>}
        {tries > 1 && <span className="soft">{kind === 'poll' ? `asked ${tries} times` : `${tries} attempts`}</span>}
        {isOpen && kind === 'signal' && (
          <span>
            since <Time at={step.started_at} />
          </span>
        )}
        {isOpen && until !== undefined && !arrived && (
          <span>
            until <Time at={until} />
          </span>
        )}
        {isOpen && next !== undefined && (
          <span>
            asks again <Time at={next} />
          </span>
        )}
        {isOpen && kind === 'signal' && until === undefined && !arrived && <span>no timeout</span>}
        {isOpen && !arrived && !isEnded(job.state) && <WaitActions job={job} step={step} />}
        <RunFrom job={job} name={name} />
        {(arrived || (state === 'done' && kind !== 'sleep')) && <StepValue job={job.id} name={name} />}
      </div>
      {error !== undefined && state !== 'done' && (
        <p className="error-message small">
          {error.type !== undefined && <strong>{error.type}: </strong>}
          {error.message}
        </p>
      )}
    </li>
  );
}

function stateOf({ kind, state, arrived }: Step): readonly [Tone, string] {
  if (state === 'failed') return ['bad', 'failed'];
  if (state === 'expired') return ['warn', 'timed out'];
  if (state === 'done') return ['good', 'done'];
  if (arrived) return ['good', 'signal arrived'];
  return kind === 'run' || kind === 'enqueue' ? ['warn', 'retries'] : ['info', 'waits'];
}

/** Sends the signal of a wait, and ends any wait of a suspended job. */
function WaitActions({ job, step }: { readonly job: Job; readonly step: Step }) {
  const { id, queue, x_wait: waits = [] } = job;
  const [maySend, mayWake] = [useMay('signal.send'), useMay('job.wake')];
  const { start } = useJobCall(id);
  const { name, kind, signal, token } = step;
  const isWait = waits.some((wait) => wait.name === name);
  const wait: Wait = { name, kind: 'signal', ...(signal && { signal }), ...(token && { token }) };
  const wake = {
    operation: 'job.wake',
    params: { id },
    body: { names: [name] },
    done: `The wait ${name} is over.`,
    shows: 'available',
  } as const;
  return (
    <>
      <Opener text="Send signal…" size="small" shown={kind === 'signal' && maySend}>
        {(close) => <SendSignal job={id} queue={queue} wait={wait} onClose={close} />}
      </Opener>
      {isWait && mayWake && (
        <Button size="small" aria-label={`End wait: ${name}`} onClick={() => start(wake)}>
          End wait
        </Button>
      )}
    </>
  );
}

/** Another job can have the steps of an ended job, until one has them. */
function isOwnEnd({ state, x_successor: next }: Job): boolean {
  return isEnded(state) && next === undefined;
}

/** Runs an ended job again, as a new job that keeps the steps before this one. */
function RunFrom({ job, name }: { readonly job: Job; readonly name: string }) {
  const mayRerun = useMay('job.rerun');
  const { start } = useJobCall(job.id);
  if (!mayRerun || !isOwnEnd(job)) return null;
  const call = {
    operation: 'job.rerun',
    params: { id: job.id },
    body: { from_step: name },
    done: `A new job runs from ${name} on.`,
  } as const;
  return (
    <Button size="small" aria-label={`Run again from ${name}`} onClick={() => start(call)}>
      Run again from here
    </Button>
  );
}

/** Undoes the steps of an ended job. */
function UndoSteps({ job, steps }: { readonly job: Job; readonly steps: readonly Step[] }) {
  const mayUndo = useMay('job.undo');
  const { run } = useJobCall(job.id);
  if (!mayUndo || !isOwnEnd(job) || !steps.some(({ undo }) => undo)) return null;
  const call = { operation: 'job.undo', params: { id: job.id }, done: 'A new job undoes the steps.' } as const;
  return (
    <div>
      <ConfirmButton
        text="Undo the steps…"
        title="Undo the steps of this job?"
        confirm="Undo the steps"
        destroys
        onConfirm={() => run(call)}
      >
        A new job calls the undo of each step that has one. The steps move to that job, so this one can no longer be
        retried.
      </ConfirmButton>
    </div>
  );
}

/** The recorded value, which is read when it is opened. */
function StepValue({ job, name }: { readonly job: string; readonly name: string }) {
  const { sees_arguments: seesValues } = useSession();
  const [isOpen, setOpen] = useState(false);
  const query = useQuery({
    queryKey: ['job.steps', job, name, 'value'],
    queryFn: async ({ signal }) => {
      const query = { names: JSON.stringify([name]), values: 'all' };
      const answer = members(await callText('job.steps', { params: { id: job }, query, signal }));
      const [row = '{}'] = elements(answer.get('steps') ?? '[]');
      return members(row).get('value') ?? null;
    },
    enabled: isOpen,
    // The first outcome stays.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!seesValues) return null;
  return (
    <details className="step-value" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Value</summary>
      {isOpen && (
        <Loaded query={query} lines={1}>
          {(text) =>
            text === null ? (
              <p className="soft">The step returned nothing.</p>
            ) : (
              <JsonTree node={readDocument(text)} label={`Value of ${name}`} />
            )
          }
        </Loaded>
      )}
    </details>
  );
}
