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

interface Waiting {
  readonly state: string;
  readonly x_wait?: readonly { readonly name: string; readonly signal?: string; readonly token?: string }[];
}

/** A job that waits in a durable step is retryable, and no attempt of it has failed. */
export function JobStateBadge({ job: { state, x_wait: [first, ...more] = [] } }: { readonly job: Waiting }) {
  return (
    <>
      <StateBadge state={state} />
      {first !== undefined && (
        <Badge tone="info">
          <span className="waits-for">waiting for {first.token ?? first.signal ?? first.name}</span>
          {more.length > 0 && ` +${more.length}`}
        </Badge>
      )}
    </>
  );
}

export function StateBadge({ state }: { readonly state: string }) {
  return <Badge tone={toneOf(state)}>{state}</Badge>;
}
