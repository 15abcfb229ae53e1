import type { Finding } from '@ojs-ts/core/schemas';
import { useCall } from '../../api/calls.ts';
import {
  Badge,
  Button,
  CopyAs,
  CopyButton,
  CronLink,
  Empty,
  Page as Frame,
  type JobLink,
  LimitLink,
  Loaded,
  QueueLink,
  Time,
  type Tone,
  WorkerLink,
} from '../../ui/index.ts';

const tones: Readonly<Record<Finding['severity'], Tone>> = { error: 'bad', warning: 'warn' };

export function Page() {
  const report = useCall('system.doctor');
  return (
    <Frame
      title="Doctor"
      lead="Problems of this server and its storage, the worst first, each with what fixes it."
      actions={
        <>
          <Button aria-busy={report.isFetching} onClick={() => void report.refetch()}>
            {report.isFetching ? 'Looking…' : 'Look again'}
          </Button>
          <CopyAs operation="system.doctor" options={{}} command="doctor" code="await admin.diagnose();" />
        </>
      }
    >
      <Loaded query={report}>
        {({ findings, checked_at }) => (
          <>
            {findings.length === 0 ? (
              <Empty title="Nothing to mend">
                <p>Clocks, storage, queues, crons, workers and limits are in order.</p>
              </Empty>
            ) : (
              <ul className="stack" aria-label="Findings">
                {findings.map((finding) => (
                  <FindingCard key={`${finding.code} ${finding.message}`} finding={finding} />
                ))}
              </ul>
            )}
            <p className="soft small">
              Checked <Time at={checked_at} />. The page sends no alerts: let Prometheus read <code>/metrics</code>,
              where <code>ojs_queue_oldest_seconds</code> is the age of a backlog.
            </p>
          </>
        )}
      </Loaded>
    </Frame>
  );
}

function FindingCard({ finding: { code, severity, message, remedy, docs_url } }: { readonly finding: Finding }) {
  const isCommand = remedy.startsWith('ojs ') && !remedy.includes(', ');
  return (
    <li className="card">
      <div className="row">
        <Badge tone={tones[severity]}>{severity}</Badge>
        <code>{code}</code>
      </div>
      <p>{message}</p>
      <div className="row">
        {isCommand ? <code>{remedy}</code> : <span className="soft">{remedy}</span>}
        {isCommand && <CopyButton text={remedy} what="the command" />}
        <PageOf remedy={remedy} />
        <a href={docs_url}>About this finding</a>
      </div>
    </li>
  );
}

const links: Partial<Record<string, typeof JobLink>> = {
  cron: CronLink,
  limits: LimitLink,
  queues: QueueLink,
  workers: WorkerLink,
};

/** The page of what a command of the remedy names. */
function PageOf({ remedy }: { readonly remedy: string }) {
  const [, group = '', name] = /\bojs (cron|limits|queues|workers) \w+ ([^\s,]*[^\s,.])/.exec(remedy) ?? [];
  if (name === undefined) return null;
  const Target = links[group];
  return Target && <Target id={name} text={`See ${name}`} />;
}
