import { readDocument } from '@ojs-ts/core/json';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useAction, useCall } from '../../api/calls.ts';
import { isMissing } from '../../api/failure.ts';
import { IfMay, useMay } from '../../api/session.ts';
import { queueOf, wordsOfCron } from '../../format/cron.ts';
import { formatCount } from '../../format/numbers.ts';
import { stringify } from '../../json/numeral.ts';
import { hasType } from '../../live/summary.ts';
import {
  Card,
  ConfirmButton,
  CopyAs,
  Empty,
  Facts,
  Page as Frame,
  Loaded,
  Opener,
  QueueLink,
  quote,
  Time,
} from '../../ui/index.ts';
import { JobsCard } from '../../ui/jobs-card.tsx';
import { JsonTree } from '../../ui/json-tree.tsx';
import { CronButtons } from '../crons/cron-buttons.tsx';
import { CronBadge, LastRun } from '../crons/cron-state.tsx';
import { EditCron } from '../crons/edit-cron.tsx';
import { NextRuns } from './next-runs.tsx';

export function Page() {
  const { name = '' } = useParams({ strict: false });
  const navigate = useNavigate();
  const query = useCall('cron.get', { params: { name }, live: (summary) => hasType(summary, 'cron.') });
  const mayChange = useMay('cron.register');
  const remove = useAction('cron.remove', { changes: ['cron.list'], done: `Deleted ${name}.` });
  const cron = query.data?.cron;
  if (isMissing(query.error)) {
    return (
      <Frame title={name}>
        <Empty title="There is no such cron job">
          <p>
            <IfMay call="cron.list">
              <Link to="/crons">See all crons</Link>
            </IfMay>
          </p>
        </Empty>
      </Frame>
    );
  }
  return (
    <Frame
      title={name}
      aside={cron && <CronBadge cron={cron} />}
      actions={
        <>
          {cron && <CronButtons cron={cron} />}
          {cron && mayChange && (
            <>
              <Opener text="Change" size="small">
                {(close) => <EditCron cron={cron} onClose={close} />}
              </Opener>
              <ConfirmButton
                text="Delete…"
                size="small"
                kind="danger"
                title={`Delete ${name}?`}
                confirm="Delete"
                destroys
                onConfirm={async () => {
                  await remove.mutateAsync({ params: { name } });
                  await navigate({ to: '/crons' });
                }}
              >
                The cron never runs again. Jobs of earlier runs stay.
              </ConfirmButton>
            </>
          )}
          <CopyAs operation="cron.get" options={{ params: { name } }} command={`cron show ${quote(name)}`} />
        </>
      }
    >
      <Loaded query={query}>
        {({ cron }) => {
          const { expression, timezone, type, args, overlap_policy, paused_at, run_count } = cron;
          return (
            <div className="columns">
              <Card title="Schedule">
                <p>{wordsOfCron(expression) ?? 'A schedule that has no words here'}</p>
                {cron.description && <p className="soft">{cron.description}</p>}
                <Facts
                  of={{
                    Expression: <code>{expression}</code>,
                    'Time zone': timezone,
                    Overlap: overlap_policy,
                    'Registered as': cron.registered_enabled ? 'enabled' : 'disabled',
                    'Paused by an operator': paused_at !== null && <Time at={paused_at} />,
                    'Last run': <LastRun cron={cron} />,
                    Runs: formatCount(run_count),
                    Job: (
                      <>
                        <code>{type}</code> in <QueueLink id={queueOf(cron)} />
                      </>
                    ),
                  }}
                />
                <JsonTree node={readDocument(stringify(args))} label="Arguments" />
              </Card>
              <NextRuns name={name} />
            </div>
          );
        }}
      </Loaded>
      <JobsCard
        title="Past runs"
        query={`cron:${JSON.stringify(name)}`}
        none="No runs yet, or their jobs were deleted."
      />
    </Frame>
  );
}
