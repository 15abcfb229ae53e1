import { Link, useParams } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { isMissing } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { hasQueue } from '../../live/summary.ts';
import { HistoryCharts, RangeSelect } from '../../ui/history-charts.tsx';
import { Badge, CopyAs, Empty, Page as Frame, Loaded, Opener, quote } from '../../ui/index.ts';
import { NewQueue } from '../queues/new-queue.tsx';
import { PauseButton } from '../queues/pause-button.tsx';
import { Configuration } from './configuration.tsx';
import { Counts, Drain, Waiting } from './progress.tsx';
import { QueueMenu } from './queue-menu.tsx';

export function Page() {
  const { name = '' } = useParams({ strict: false });
  const queue = useCall('admin.queue', {
    params: { name },
    live: (summary) => hasQueue(summary, name),
    refreshMs: 15_000,
  });
  const mayCreate = useMay('queue.create');
  if (isMissing(queue.error)) {
    return (
      <Frame title={name}>
        <Empty title="There is no such queue">
          <p>
            The first job of a queue creates it. <Link to="/queues">See all queues</Link>
          </p>
          {mayCreate && <Opener text="Create queue…">{(close) => <NewQueue named={name} onClose={close} />}</Opener>}
        </Empty>
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
