import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { IfMay } from '../../access/if-may.tsx';
import { formatDuration, formatPer, formatPeriod } from '../../format/times.ts';
import { parse } from '../../json/numeral.ts';
import { Card } from '../../ui/page.tsx';
import { Time } from '../../ui/time.tsx';
import type { Job, JobDocument, RetryPolicy } from './job.ts';
import { Trace, traceOf } from './trace.tsx';

/** The main facts about the job. */
export function Facts({ job }: { readonly job: Job }) {
  const { type, queue, priority, attempt, max_attempts: most, worker_id: worker, tags = [], meta } = job;
  const trace = traceOf(meta);
  const endedAt = job.completed_at ?? job.cancelled_at ?? job.discarded_at;
  return (
    <Card title="Facts">
      <dl className="facts">
        <Fact name="Type">
          <Link to="/jobs" search={{ q: `type:${type}` }}>
            {type}
          </Link>
        </Fact>
        <Fact name="Queue">
          <Link to="/queues/$name" params={{ name: queue }}>
            {queue}
          </Link>
        </Fact>
        <Fact name="Priority">{priority}</Fact>
        <Fact name="Attempt">
          {attempt} of {most}
        </Fact>
        {worker !== undefined && (
          <Fact name={job.state === 'active' ? 'Worker' : 'Last worker'}>
            <IfMay call="worker.get" otherwise={<span className="breaks">{worker}</span>}>
              <Link to="/workers/$id" params={{ id: worker }} className="breaks">
                {worker}
              </Link>
            </IfMay>
          </Fact>
        )}
        <Fact name="Created">
          <Time at={job.created_at} />
        </Fact>
        {job.scheduled_at !== undefined && (
          <Fact name="Scheduled for">
            <Time at={job.scheduled_at} />
          </Fact>
        )}
        {job.next_attempt_at !== undefined && (
          <Fact name="Next attempt">
            <Time at={job.next_attempt_at} />
          </Fact>
        )}
        {job.expires_at !== undefined && (
          <Fact name="Expires">
            <Time at={job.expires_at} />
          </Fact>
        )}
        {endedAt !== undefined && (
          <Fact name="Ended">
            <Time at={endedAt} />
          </Fact>
        )}
        {tags.length > 0 && (
          <Fact name="Tags">
            <span className="row">
              {tags.map((tag) => (
                <Link key={tag} to="/jobs" search={{ q: `tag:${JSON.stringify(tag)}` }} className="badge">
                  {tag}
                </Link>
              ))}
            </span>
          </Fact>
        )}
        {trace !== null && (
          <Fact name="Trace">
            <Trace id={trace} />
          </Fact>
        )}
      </dl>
    </Card>
  );
}

/** Policies beside that of retries, under the name of their member. */
const policies: readonly (readonly [member: string, name: string])[] = [
  ['timeout_ms', 'Attempt timeout'],
  ['total_timeout', 'Total timeout'],
  ['enqueue_ttl', 'Time to start'],
  ['heartbeat_timeout', 'Heartbeat timeout'],
  ['grace_period', 'Grace period'],
  ['visibility_timeout_ms', 'Visibility timeout'],
  ['visibility_timeout', 'Visibility timeout'],
  ['unique', 'Unique'],
  ['rate_limit', 'Limits'],
  ['schema', 'Schema'],
  ['result_ttl', 'Keeps its result'],
];

/** The policies of the job: retries, timeouts, uniqueness, limits, schema. */
export function Policies({ document: { job, parts } }: { readonly document: JobDocument }) {
  return (
    <Card title="Policies">
      <dl className="facts">
        <Fact name="Retries">{sentenceOf(job.retry_policy)}</Fact>
        {job.retry_policy.non_retryable_errors.length > 0 && (
          <Fact name="Never retries">
            <code className="breaks">{job.retry_policy.non_retryable_errors.join(', ')}</code>
          </Fact>
        )}
        {policies.flatMap(([member, name]) => {
          const text = parts.get(member);
          if (text === undefined || text === 'null') return [];
          return [
            <Fact key={member} name={name}>
              {member === 'rate_limit' ? (
                <LimitList text={text} />
              ) : (
                (lengthOf(member, text) ?? <code className="breaks">{text}</code>)
              )}
            </Fact>,
          ];
        })}
      </dl>
    </Card>
  );
}

interface SentLimit {
  readonly key?: string;
  readonly concurrency?: number;
  readonly rate?: { readonly limit: number; readonly period: string };
  readonly throttle?: { readonly limit?: number; readonly period: string };
  readonly max_per_second?: number;
}

/** One limit or several, each with its numbers in words. */
function LimitList({ text }: { readonly text: string }) {
  const sent = parse(text) as SentLimit | readonly SentLimit[];
  const limits: readonly SentLimit[] = Array.isArray(sent) ? sent : [sent as SentLimit];
  return (
    <ul className="plain">
      {limits.map((limit, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list of a job never changes
        <li key={index} className="breaks">
          {limit.key !== undefined && (
            <Link to="/limits/$key" params={{ key: limit.key }}>
              {limit.key}
            </Link>
          )}{' '}
          <span className="soft">{numbersOf(limit).join(', ')}</span>
        </li>
      ))}
    </ul>
  );
}

function numbersOf({ concurrency, rate, throttle, max_per_second: perSecond }: SentLimit): readonly string[] {
  return [
    ...(concurrency === undefined ? [] : [`${concurrency} at once`]),
    ...(rate === undefined ? [] : [`${rate.limit} per ${formatPer(rate.period)}`]),
    ...(throttle === undefined ? [] : [`${throttle.limit ?? 1} per ${formatPer(throttle.period)}`]),
    ...(perSecond === undefined ? [] : [`${perSecond} per second`]),
  ];
}

function sentenceOf(policy: RetryPolicy): string {
  const { max_attempts: most, on_exhaustion: then, backoff_strategy: strategy, jitter } = policy;
  const end = then === 'dead_letter' ? 'then the dead letter' : `then ${then}`;
  if (most <= 1) return `One attempt, ${end}`;
  const first = formatPeriod(policy.initial_interval);
  const longest = formatPeriod(policy.max_interval);
  return `${most} attempts, ${strategy} backoff from ${first} to ${longest}${jitter ? ' with jitter' : ''}, ${end}`;
}

function lengthOf(member: string, text: string): string | null {
  if (member.endsWith('_ms')) return formatDuration(Number(text));
  return text.startsWith('"P') ? formatPeriod(text.slice(1, -1)) : null;
}

export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
