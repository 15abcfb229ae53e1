import type { Cron } from '@ojs-ts/core/schemas';
import { Badge, JobLink, StateBadge, Time } from '../../ui/index.ts';

/** Why a cron does not run; nothing for one that does. */
export function CronBadge({ cron: { enabled, paused_at, never_runs } }: { readonly cron: Cron }) {
  if (never_runs) return <Badge tone="bad">never runs</Badge>;
  if (enabled) return null;
  return <Badge tone="warn">{paused_at === null ? 'disabled' : 'paused'}</Badge>;
}

/** When it ran last, and how far that job is. */
export function LastRun({ cron: { last_run_at, last_job_id, last_job_state } }: { readonly cron: Cron }) {
  return (
    <span className="row nowrap">
      <Time at={last_run_at} />
      {last_job_id !== null && typeof last_job_state === 'string' && (
        <JobLink id={last_job_id} text={<StateBadge state={last_job_state} />} />
      )}
    </span>
  );
}
