import { formatDuration, formatPer, formatPeriod } from '../../format/times.ts';
import { parse } from '../../json/numeral.ts';
import { Card, Facts, JobsLink, LimitLink, QueueLink, Time, WorkerLink } from '../../ui/index.ts';
import type { Job, JobDocument } from './job.ts';
import { Trace, traceOf } from './trace.tsx';

/** The main facts about the job. */
export function MainFacts({ job }: { readonly job: Job }) {
  const { type, queue, worker_id: worker, tags = [] } = job;
  const trace = traceOf(job.meta);
  const endedAt = job.completed_at ?? job.cancelled_at ?? job.discarded_at;
  const at = (time: string | undefined) => time !== undefined && <Time at={time} />;
  return (
    <Card title="Facts">
      <Facts
        of={{
          Type: <JobsLink q={`type:${type}`} text={type} />,
          Queue: <QueueLink id={queue} />,
          Priority: job.priority,
          Attempt: `${job.attempt} of ${job.max_attempts}`,
          [job.state === 'active' ? 'Worker' : 'Last worker']: worker !== undefined && (
            <WorkerLink id={worker} className="breaks" />
          ),
          Created: at(job.created_at),
          'Scheduled for': at(job.scheduled_at),
          'Next attempt': at(job.next_attempt_at),
          Expires: at(job.expires_at),
          Ended: at(endedAt),
          Tags: tags.length > 0 && (
            <span className="row">
              {tags.map((tag) => (
                <JobsLink key={tag} q={`tag:${JSON.stringify(tag)}`} className="badge" text={tag} />
              ))}
            </span>
          ),
          Trace: trace !== null && <Trace id={trace} />,
        }}
      />
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
  const { non_retryable_errors: final } = job.retry_policy;
  const given = policies.flatMap(([member, name]) => {
    const text = parts.get(member);
    if (text === undefined || text === 'null') return [];
    const words = lengthOf(member, text) ?? (
      <code key={member} className="breaks">
        {text}
      </code>
    );
    return [[name, member === 'rate_limit' ? <LimitList key={member} text={text} /> : words] as const];
  });
  return (
    <Card title="Policies">
      <Facts
        of={{
          Retries: sentenceOf(job.retry_policy),
          'Never retries': final.length > 0 && <code className="breaks">{final.join(', ')}</code>,
          ...Object.fromEntries(given),
        }}
      />
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
          {limit.key !== undefined && <LimitLink id={limit.key} />}{' '}
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

function sentenceOf(policy: Job['retry_policy']): string {
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
