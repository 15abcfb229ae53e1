import { useEffect, useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { hasJob, hasType } from '../../live/summary.ts';

/** A job that waits for longer is explained, in milliseconds. */
const patienceMs = 1_000;

/** Why a job does not run yet, and what helps. */
export function Waiting({ id }: { readonly id: string }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), patienceMs);
    return () => clearTimeout(timer);
  }, []);
  const { data } = useCall('job.explain', {
    params: { id },
    enabled: isLate,
    live: (summary) => hasJob(summary, id) || hasType(summary, 'worker.', 'queue.'),
    refreshMs: 5_000,
  });
  if (data === undefined) return null;
  return (
    <div className="waiting" role="status" aria-label="Why it waits">
      <p>
        <strong>{data.verdict}</strong>
      </p>
      <ul>
        {data.reasons.map(({ code, message, remedy }) => (
          <li key={code + message}>
            {message} {remedy !== undefined && <span className="soft">{remedy}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}
