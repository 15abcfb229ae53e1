import type { Health } from '@ojs-ts/core/schemas';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useCall } from '../api/calls.ts';
import { ApiFailure, messageOf } from '../api/failure.ts';
import { IfMay } from '../api/session.ts';
import { Time } from '../ui/time.tsx';

/** The reason why the server cannot work. */
export interface Outage {
  readonly message: string;
  /** The effect on jobs. */
  readonly effect: string;
  readonly since: string | number | null;
  /** True if the pages get no answers, or old ones. */
  readonly isBlind: boolean;
}

const refreshMs = 10_000;

/** Null while the server answers and its storage is well. Also asks at once when another call meets an outage. */
export function useOutage(): Outage | null {
  const client = useQueryClient();
  const { data, error, isError } = useCall('system.health', { refreshMs });
  const failing = useRef<number | null>(null);
  if (!isError) failing.current = null;
  else failing.current ??= Date.now();
  const outage = isError ? unanswered(error, failing.current) : data === undefined ? null : ofHealth(data);
  const isOver = outage === null;
  const wasOver = useRef(isOver);
  useEffect(() => {
    // Calls that failed during the outage are repeated.
    if (isOver && !wasOver.current)
      void client.invalidateQueries({ predicate: ({ state: { status } }) => status === 'error' });
    wasOver.current = isOver;
  }, [isOver, client]);
  return outage;
}

function unanswered(error: Error, since: number | null): Outage | null {
  if (!(error instanceof ApiFailure) || !error.isOutage) return null;
  return {
    message: messageOf(error),
    effect: 'The page shows its last known data.',
    since,
    isBlind: true,
  };
}

function ofHealth({ backend, checks }: Health): Outage | null {
  const isAway = backend.status !== 'connected';
  const [name, failed] = Object.entries(checks).find(([, { status }]) => status === 'fail') ?? [];
  if (!isAway && failed === undefined) return null;
  const { message = 'The storage has a problem.', since = null } = failed ?? {};
  return {
    message: `Storage (${backend.type}): ${message}`,
    effect: isAway || name === 'writes' ? 'Until it does, no job can be enqueued, started or finished.' : '',
    since,
    isBlind: isAway,
  };
}

/** Above every page: what is wrong and since when. */
export function OutageBanner({ outage: { message, effect, since } }: { readonly outage: Outage }) {
  return (
    <div className="notice" data-tone="bad" role="alert">
      <strong>{message}</strong>
      {since !== null && (
        <span>
          Since <Time at={since} />.
        </span>
      )}
      {effect !== '' && <span>{effect}</span>}
      <IfMay call="system.doctor">
        <Link to="/doctor" className="notice-link">
          Doctor
        </Link>
      </IfMay>
    </div>
  );
}
