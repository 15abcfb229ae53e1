import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { ApiFailure } from '../../api/failure.ts';
import { hasType } from '../../live/summary.ts';
import { CopyAs, quote } from '../../ui/copy.tsx';
import { JobsCard } from '../../ui/jobs-card.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { State } from '../workers/cells.tsx';
import { hasWorkers } from '../workers/description.ts';
import { WorkerButtons } from '../workers/worker-buttons.tsx';
import { CurrentJobs } from './current-jobs.tsx';
import { Facts } from './facts.tsx';

export function Page() {
  const { id = '' } = useParams({ strict: false });
  const navigate = useNavigate();
  const query = useCall('worker.get', {
    params: { id },
    live: (summary) => hasWorkers(summary) || hasType(summary, 'job.'),
    refreshMs: 5_000,
  });
  if (query.error instanceof ApiFailure && query.error.status === 404) {
    return (
      <Frame title={id}>
        <Empty title="There is no such worker">
          <p>
            It has stopped, or somebody removed it. <Link to="/workers">See all workers</Link>
          </p>
        </Empty>
        <JobsCard
          title="Recent jobs"
          query={`worker:${JSON.stringify(id)}`}
          none="No job that is still kept was run here."
        />
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
            <Facts worker={data} />
            <CurrentJobs jobs={data.jobs} count={data.active_jobs} />
          </>
        )}
      </Loaded>
      <JobsCard
        title="Recent jobs"
        query={`worker:${JSON.stringify(id)}`}
        none="No job that is still kept was run here."
      />
    </Frame>
  );
}
