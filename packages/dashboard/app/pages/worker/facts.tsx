import type { Worker } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { Badge } from '../../ui/badge.tsx';
import { Card } from '../../ui/page.tsx';
import { Time } from '../../ui/time.tsx';
import { Heartbeat, Lag, Memory, Slots } from '../workers/cells.tsx';
import { describe } from '../workers/description.ts';

export function Facts({ worker }: { readonly worker: Worker }) {
  const { hostname, pid, queues, labels, version, startedAt } = describe(worker);
  const { load, last_heartbeat_at } = worker;
  return (
    <div className="columns">
      <Card title="Process">
        <dl className="facts">
          <dt>Host</dt>
          <dd>{hostname || '–'}</dd>
          <dt>Process id</dt>
          <dd>{pid || '–'}</dd>
          <dt>Version</dt>
          <dd>{version || '–'}</dd>
          <dt>Started</dt>
          <dd>
            <Time at={startedAt} />
          </dd>
          <dt>Queues</dt>
          <dd className="row">
            {queues.length === 0
              ? '–'
              : queues.map((name) => (
                  <Link key={name} to="/queues/$name" params={{ name }}>
                    {name}
                  </Link>
                ))}
          </dd>
          <dt>Labels</dt>
          <dd className="row">
            {labels.length === 0 ? '–' : labels.map((label) => <Badge key={label}>{label}</Badge>)}
          </dd>
        </dl>
      </Card>
      <Card title="Load">
        <dl className="facts">
          <dt>Heartbeat</dt>
          <dd>
            <Heartbeat worker={worker} />
          </dd>
          <dt>Slots in use</dt>
          <dd>
            <Slots worker={worker} />
          </dd>
          <dt>Event-loop lag</dt>
          <dd>
            <Lag worker={worker} />
          </dd>
          <dt>Memory</dt>
          <dd>
            <Memory bytes={load?.rss_bytes} />
          </dd>
          <dt>JavaScript heap</dt>
          <dd>
            <Memory bytes={load?.heap_used_bytes} />
          </dd>
        </dl>
        <p className="soft small">
          {last_heartbeat_at === null
            ? 'The worker only fetches. Without heartbeats nobody knows its load, and it is never taken for dead.'
            : 'The lag is the worst of the time before the last heartbeat, ' +
              'or how long the event loop is blocked so far.'}
        </p>
      </Card>
    </div>
  );
}
