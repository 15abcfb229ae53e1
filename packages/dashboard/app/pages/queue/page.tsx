import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useCall } from '../../api/calls.ts';
import { ApiFailure } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { hasQueue } from '../../live/summary.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyAs, quote } from '../../ui/copy.tsx';
import { HistoryCharts, RangeSelect } from '../../ui/history-charts.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { NewQueue } from '../queues/new-queue.tsx';
import { PauseButton } from '../queues/pause-button.tsx';
import { Configuration } from './configuration.tsx';
import { Counts } from './counts.tsx';
import { Drain } from './drain.tsx';
import { QueueMenu } from './queue-menu.tsx';
import { Waiting } from './waiting.tsx';

export function Page() {
  const { name = '' } = useParams({ strict: false });
  const queue = useCall('admin.queue', {
    params: { name },
    live: (summary) => hasQueue(summary, name),
    refreshMs: 15_000,
  });
  const [isCreating, setCreating] = useState(false);
  const mayCreate = useMay('queue.create');
  if (queue.error instanceof ApiFailure && queue.error.status === 404) {
    return (
      <Frame title={name}>
        <Empty title="There is no such queue">
          <p>
            The first job of a queue creates it. <Link to="/queues">See all queues</Link>
          </p>
          {mayCreate && <Button onClick={() => setCreating(true)}>Create queue…</Button>}
        </Empty>
        {isCreating && <NewQueue named={name} onClose={() => setCreating(false)} />}
      </Frame>
    );
  }
  const paused = queue.data?.paused ?? false;
  return (
    <Frame
      title={name}
      aside={paused && <Badge tone="warn">paused</Badge>}
      actions={
        <>
          <RangeSelect />
          {queue.data && <PauseButton queue={queue.data} />}
          {queue.data && <QueueMenu queue={queue.data} />}
          <CopyAs
            operation="admin.queue"
            options={{ params: { name } }}
            command={`queues show ${quote(name)}`}
            code={`await admin.getQueue(${JSON.stringify(name)});`}
          />
        </>
      }
    >
      <Loaded query={queue}>
        {(data) => (
          <>
            <Counts queue={data} />
            <Waiting queue={data} />
            <Drain queue={data} />
          </>
        )}
      </Loaded>
      <HistoryCharts queue={name} />
      {queue.data && <Configuration queue={queue.data} />}
    </Frame>
  );
}
