import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { isMissing } from '../../api/failure.ts';
import { hasType } from '../../live/summary.ts';
import { CopyAs, Empty, Page as Frame, Loaded, quote } from '../../ui/index.ts';
import { JobsCard } from '../../ui/jobs-card.tsx';
import { State } from '../workers/cells.tsx';
import { hasWorkers } from '../workers/description.ts';
import { WorkerButtons } from '../workers/worker-buttons.tsx';
import { CurrentJobs, Process } from './details.tsx';

export function Page() {
  const { id = '' } = useParams({ strict: false });
  const navigate = useNavigate();
  const query = useCall('worker.get', {
    params: { id },
    live: (summary) => hasWorkers(summary) || hasType(summary, 'job.'),
    refreshMs: 5_000,
  });
  const jobs = `worker:${JSON.stringify(id)}`;
  const recent = <JobsCard title="Recent jobs" query={jobs} none="No recent jobs." />;
  if (isMissing(query.error)) {
    return (
      <Frame title={id}>
        <Empty title="There is no such worker">
          <p>
            It has stopped, or somebody removed it. <Link to="/workers">See all workers</Link>
          </p>
        </Empty>
        {recent}
      </Frame>
    );
  }
  const worker = query.data;
  return (
    <Frame
      title={id}
      aside={worker && <State worker={worker} />}
      actions={
        <>
          {worker && <WorkerButtons worker={worker} onRemoved={() => void navigate({ to: '/workers' })} />}
          <CopyAs
            operation="worker.get"
            options={{ params: { id } }}
            command={`workers show ${quote(id)}`}
            code={`await admin.getWorker(${JSON.stringify(id)});`}
          />
        </>
      }
    >
      <Loaded query={query}>
        {(data) => (
          <>
            <Process worker={data} />
            <CurrentJobs jobs={data.jobs} count={data.active_jobs} />
          </>
        )}
      </Loaded>
      {recent}
    </Frame>
  );
}
