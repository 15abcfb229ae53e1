import './playground.css';
import { useMay } from '../../api/session.ts';
import { Empty, Page as Frame } from '../../ui/index.ts';
import { Composer } from './composer.tsx';
import { Follow } from './follow.tsx';

export function Page() {
  const mayEnqueue = useMay('job.enqueue');
  const maySchedule = useMay('cron.register');
  return (
    <Frame title="Playground" lead="Write a job, a workflow or a cron job, send it, and watch it run.">
      {mayEnqueue || maySchedule ? (
        <div className="columns playground">
          <Composer />
          <Follow />
        </div>
      ) : (
        <Empty title="Your token may not enqueue jobs">
          <p>Ask an operator for a token with the role enqueue.</p>
        </Empty>
      )}
    </Frame>
  );
}
