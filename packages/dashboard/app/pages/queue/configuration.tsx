import type { QueueConfig, QueueOverview } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatPeriod } from '../../format/times.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/page.tsx';
import { EditConfiguration } from './edit-configuration.tsx';

type Configured = QueueOverview & { readonly configuration: QueueConfig };

/** The limits and bounds of a queue, and how long its jobs are kept. */
export function Configuration({ queue }: { readonly queue: Configured }) {
  const [isEditing, setEditing] = useState(false);
  const may = useMay('queue.configure');
  const mayAudit = useMay('audit.list');
  const { concurrency, rate_limit: rate, backpressure, retention } = queue.configuration;
  return (
    <Card
      title="Limits"
      aside={
        <span className="row">
          {mayAudit && (
            <Link to="/audit" search={{ about: queue.name, type: 'queue' }} className="small">
              Earlier settings
            </Link>
          )}
          {may && (
            <Button size="small" onClick={() => setEditing(true)}>
              Change limits
            </Button>
          )}
        </span>
      }
    >
      <dl className="facts">
        <dt>Running at once</dt>
        <dd>
          {concurrency === null ? 'no limit' : `${formatCount(queue.counts.active)} of ${formatCount(concurrency)}`}
        </dd>
        <dt>Rate</dt>
        <dd>{rate === null ? 'no limit' : `${formatCount(rate.limit)} jobs per ${formatPeriod(rate.period)}`}</dd>
        <dt>Most waiting jobs</dt>
        <dd>
          {backpressure.max_depth === null
            ? 'no limit'
            : `${formatCount(backpressure.max_depth)}; then the server ` +
              `${backpressure.strategy === 'reject' ? 'refuses new jobs' : 'warns'}`}
        </dd>
        {Object.entries(retention).map(([state, kept]) => (
          <Kept key={state} state={state} kept={kept} />
        ))}
      </dl>
      {isEditing && <EditConfiguration queue={queue} onClose={() => setEditing(false)} />}
    </Card>
  );
}

function Kept({ state, kept }: { readonly state: string; readonly kept: string }) {
  return (
    <>
      <dt>Keeps {state} jobs</dt>
      <dd>{formatPeriod(kept)}</dd>
    </>
  );
}
