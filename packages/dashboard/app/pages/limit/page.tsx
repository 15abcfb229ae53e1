import type { Limit } from '@ojs-ts/core/schemas';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { ApiFailure } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPer } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyAs, quote } from '../../ui/copy.tsx';
import { JobsCard } from '../../ui/jobs-card.tsx';
import { Card, Page as Frame } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { Use } from '../limits/use.tsx';
import { Free, heldBy } from './free.tsx';
import { Override } from './override.tsx';

export function Page() {
  const { key = '' } = useParams({ strict: false });
  const query = useCall('limit.get', { params: { key }, live: (summary) => hasType(summary, 'job.') });
  const mayOverride = useMay('limit.override');
  const mayList = useMay('job.list');
  const mayCancel = useMay('bulk.cancel');
  const mayRemove = useMay('worker.remove');
  const [isEditing, setEditing] = useState(false);
  const [isFreeing, setFreeing] = useState(false);
  const restore = useAction('limit.restore', {
    changes: ['limit.get', 'limit.list'],
    done: `The override of ${key} is removed.`,
  });
  const limit = query.data;
  const counted = heldBy(key);
  if (query.error instanceof ApiFailure && query.error.status === 404) {
    return (
      <Frame title={key}>
        <Empty title="There is no such limit">
          <p>
            No job and no operator has named this key. <Link to="/limits">See all limits</Link>
          </p>
          {mayOverride && <Button onClick={() => setEditing(true)}>Create with an override…</Button>}
        </Empty>
        {isEditing && <Override limit={unused(key)} create onClose={() => setEditing(false)} />}
      </Frame>
    );
  }
  return (
    <Frame
      title={key}
      aside={limit && limit.override !== null && <Badge tone="warn">overridden</Badge>}
      actions={
        <>
          {limit && mayOverride && (
            <Button size="small" onClick={() => setEditing(true)}>
              Override
            </Button>
          )}
          {limit && limit.active > 0 && mayList && mayCancel && mayRemove && (
            <Button size="small" kind="danger" onClick={() => setFreeing(true)}>
              Free slots…
            </Button>
          )}
          {limit && limit.override !== null && mayOverride && (
            <Button size="small" onClick={() => restore.mutate({ params: { key } })}>
              Remove override
            </Button>
          )}
          <CopyAs
            operation="limit.get"
            options={{ params: { key } }}
            command={`limits show ${quote(key)}`}
            code={`await admin.getLimit(${JSON.stringify(key)});`}
          />
        </>
      }
    >
      <Loaded query={query}>
        {(data) => (
          <Card title="Use">
            <dl className="facts">
              <dt>Running</dt>
              <dd>
                <Use limit={data} />
              </dd>
              {(data.rates ?? (data.rate === undefined ? [] : [data.rate])).map((rate) => (
                <RateFact key={rate.period} {...rate} />
              ))}
              <dt>Held back</dt>
              <dd>
                {formatCount(data.waiting_count)} {data.waiting_count === 1 ? 'job' : 'jobs'}
              </dd>
              {data.override !== null && (
                <>
                  <dt>Override ends</dt>
                  <dd>{data.override.expires_at === null ? 'never' : <Time at={data.override.expires_at} />}</dd>
                </>
              )}
            </dl>
          </Card>
        )}
      </Loaded>
      {mayList && (
        <>
          {/* Running jobs hold no place of a rate: their starts do. */}
          {limit?.concurrency !== undefined && (
            <JobsCard title="Who holds it" query={`${counted} state:active`} none="No job runs under this key." />
          )}
          <JobsCard title="Who waits" query={`${counted} state:available`} none="No job waits under this key." />
        </>
      )}
      {isFreeing && limit && <Free limit={key} onClose={() => setFreeing(false)} />}
      {isEditing && limit && <Override limit={limit} onClose={() => setEditing(false)} />}
    </Frame>
  );
}

/** A limit that nothing has named yet. */
function unused(key: string): Limit {
  return { key, active: 0, active_count: 0, waiting_count: 0, override: null };
}

interface RateFactProps {
  readonly limit: number;
  readonly period: string;
  readonly current_count: number;
  readonly window_resets_at: string;
}

function RateFact({ limit, period, current_count, window_resets_at }: RateFactProps) {
  return (
    <>
      <dt>Starts per {formatPer(period)}</dt>
      <dd>
        {formatCount(current_count)} of {formatCount(limit)}
        {current_count >= limit && (
          <>
            ; opens <Time at={window_resets_at} />
          </>
        )}
      </dd>
    </>
  );
}
