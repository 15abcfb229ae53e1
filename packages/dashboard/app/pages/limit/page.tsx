import type { Limit } from '@ojs-ts/core/schemas';
import { Link, useParams } from '@tanstack/react-router';
import { Fragment } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { isMissing } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPer } from '../../format/times.ts';
import { hasType } from '../../live/summary.ts';
import {
  Badge,
  Button,
  Card,
  CopyAs,
  Empty,
  Facts,
  Page as Frame,
  Loaded,
  Opener,
  quote,
  Time,
} from '../../ui/index.ts';
import { JobsCard } from '../../ui/jobs-card.tsx';
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
  const restore = useAction('limit.restore', {
    changes: ['limit.get', 'limit.list'],
    done: `The override of ${key} is removed.`,
  });
  const limit = query.data;
  const counted = heldBy(key);
  if (isMissing(query.error)) {
    return (
      <Frame title={key}>
        <Empty title="There is no such limit">
          <p>
            No job has named this key, and it has no override. <Link to="/limits">See all limits</Link>
          </p>
          {mayOverride && (
            <Opener text="Create with an override…">
              {(close) => <Override limit={unused(key)} create onClose={close} />}
            </Opener>
          )}
        </Empty>
      </Frame>
    );
  }
  return (
    <Frame
      title={key}
      aside={limit && limit.override !== null && <Badge tone="warn">overridden</Badge>}
      actions={
        <>
          {limit && (
            <>
              <Opener text="Override" size="small" shown={mayOverride}>
                {(close) => <Override limit={limit} onClose={close} />}
              </Opener>
              <Opener
                text="Free slots…"
                size="small"
                kind="danger"
                shown={limit.active > 0 && mayList && mayCancel && mayRemove}
              >
                {(close) => <Free limit={key} onClose={close} />}
              </Opener>
            </>
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
            <Facts
              of={{
                Running: <Use limit={data} />,
                ...Object.fromEntries((data.rates ?? (data.rate ? [data.rate] : [])).map(factOf)),
                'Held back': `${formatCount(data.waiting_count)} ${data.waiting_count === 1 ? 'job' : 'jobs'}`,
                'Override ends':
                  data.override &&
                  (data.override.expires_at === null ? 'never' : <Time at={data.override.expires_at} />),
              }}
            />
          </Card>
        )}
      </Loaded>
      {mayList && (
        <>
          {/* Running jobs hold no place of a rate: their starts do. */}
          {limit?.concurrency !== undefined && (
            <JobsCard title="Who holds it" query={`${counted} state:active`} none="No running job has this key." />
          )}
          <JobsCard title="Who waits" query={`${counted} state:available`} none="No waiting job has this key." />
        </>
      )}
    </Frame>
  );
}

function factOf({ limit, period, current_count, window_resets_at }: NonNullable<Limit['rate']>) {
  return [
    `Starts per ${formatPer(period)}`,
    <Fragment key={period}>
      {formatCount(current_count)} of {formatCount(limit)}
      {current_count >= limit && (
        <>
          ; opens <Time at={window_resets_at} />
        </>
      )}
    </Fragment>,
  ] as const;
}

/** A limit that nothing has named yet. */
function unused(key: string): Limit {
  return { key, active: 0, active_count: 0, waiting_count: 0, override: null };
}
