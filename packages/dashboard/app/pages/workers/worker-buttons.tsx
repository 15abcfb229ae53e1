import type { Worker } from '@ojs-ts/core/schemas';
import { useAction } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { Button, ConfirmButton } from '../../ui/index.ts';
import './workers.css';

const changes = ['worker.list', 'worker.get'] as const;

export interface WorkerButtonsProps {
  readonly worker: Worker;
  readonly onRemoved?: () => void;
}

/** A handler that blocks for this long, in milliseconds, may never end, and a stop waits for it. */
const blockedMs = 30_000;

/**
 * Quiet, resume and stop, shown at once although the worker hears of it with its next heartbeat. Remove, once the
 * worker is stale, is blocked or was ordered to stop.
 */
export function WorkerButtons({ worker, onRemoved }: WorkerButtonsProps) {
  const { id, state, directive, active_jobs: jobs, last_heartbeat_at: beatAt, load } = worker;
  const may = useMay('worker.quiet');
  const isQuiet = (directive ?? state) === 'quiet';
  const isStale = state === 'stale';
  const isStopping = !isStale && (directive ?? state) === 'terminate';
  const mayHang = isStopping || (load?.event_loop_lag_ms ?? 0) >= blockedMs;
  const flow = useAction(isQuiet ? 'worker.resume' : 'worker.quiet', {
    changes,
    done: isQuiet ? `Told ${id} to fetch again.` : `Told ${id} to fetch no more. Its running jobs go on.`,
    shows: { directive: isQuiet ? 'running' : 'quiet' },
  });
  const stop = useAction('worker.stop', {
    changes,
    done: `Told ${id} to stop. It leaves the list once its jobs have ended.`,
    shows: { directive: 'terminate' },
  });
  const remove = useAction('worker.remove', { changes, done: `Removed ${id}.` });
  const call = { params: { id } };
  if (!may) return null;
  if (beatAt === null) return <span className="soft nowrap">no heartbeat</span>;
  return (
    <span className="worker-buttons">
      {!isStale && !isStopping && (
        <Button
          size="small"
          aria-label={`${isQuiet ? 'Resume' : 'Quiet'} ${id}`}
          title={isQuiet ? 'The worker fetches new jobs again' : 'The worker finishes its jobs and fetches no new ones'}
          busy={flow.isPending}
          onClick={() => flow.mutate(call)}
        >
          {isQuiet ? 'Resume' : 'Quiet'}
        </Button>
      )}
      <ConfirmButton
        shown={!isStale && !isStopping}
        text="Stop…"
        size="small"
        kind="danger"
        aria-label={`Stop ${id}…`}
        title={`Stop ${id}?`}
        confirm="Stop the worker"
        destroys
        onConfirm={() => stop.mutateAsync(call)}
      >
        The worker finishes its running jobs ({formatCount(jobs)} now) and stops. Only its own supervisor can start it
        again.
      </ConfirmButton>
      <ConfirmButton
        shown={isStale || mayHang}
        text="Remove…"
        size="small"
        kind="danger"
        aria-label={`Remove ${id}…`}
        title={`Remove ${id}?`}
        confirm="Remove the worker"
        destroys
        onConfirm={async () => {
          await remove.mutateAsync(isStale ? call : { ...call, query: { force: true } });
          onRemoved?.();
        }}
      >
        {isStale ? 'The worker has been silent for too long.' : 'The worker still sends heartbeats.'} Its running jobs (
        {formatCount(jobs)} now) go on as after a crash: another worker gets them, or they are discarded after the last
        attempt.{!isStale && ' A handler that is blocked does not hear of it: end the process.'}
      </ConfirmButton>
    </span>
  );
}
