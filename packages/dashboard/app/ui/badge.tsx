import type { ReactNode } from 'react';

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'busy' | 'mute';

export function Badge({ tone = 'mute', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  );
}

/** The tones of jobs, workflows, steps and workers. */
const tones: Readonly<Record<string, Tone>> = {
  available: 'info',
  scheduled: 'info',
  pending: 'mute',
  active: 'busy',
  running: 'busy',
  retryable: 'warn',
  completed: 'good',
  discarded: 'bad',
  failed: 'bad',
  cancelled: 'mute',
  quiet: 'warn',
  terminate: 'warn',
  stale: 'bad',
  dead: 'bad',
};

export function toneOf(state: string): Tone {
  return tones[state] ?? 'mute';
}

/** A job that waits in a durable step is retryable, and no attempt of it has failed. */
export function JobStateBadge({ job }: { readonly job: { readonly state: string; readonly x_wait?: unknown } }) {
  return (
    <>
      <StateBadge state={job.state} />
      {job.x_wait !== undefined && <Badge tone="info">waiting</Badge>}
    </>
  );
}

export function StateBadge({ state }: { readonly state: string }) {
  return <Badge tone={toneOf(state)}>{state}</Badge>;
}
