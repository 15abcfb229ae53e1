import { readDocument } from '@ojs-ts/core/json';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { IfMay } from '../../access/if-may.tsx';
import { useAction, useCall } from '../../api/calls.ts';
import { ApiFailure } from '../../api/failure.ts';
import { useMay } from '../../api/session.ts';
import { queueOf, wordsOfCron } from '../../format/cron.ts';
import { formatCount } from '../../format/numbers.ts';
import { stringify } from '../../json/numeral.ts';
import { hasType } from '../../live/summary.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { CopyAs, quote } from '../../ui/copy.tsx';
import { JobsCard } from '../../ui/jobs-card.tsx';
import { JsonTree } from '../../ui/json-tree.tsx';
import { Card, Page as Frame } from '../../ui/page.tsx';
import { Empty, Loaded } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { CronButtons } from '../crons/cron-buttons.tsx';
import { CronBadge, LastRun } from '../crons/cron-state.tsx';
import { EditCron } from '../crons/edit-cron.tsx';
import { NextRuns } from './next-runs.tsx';

export function Page() {
  const { name = '' } = useParams({ strict: false });
  const navigate = useNavigate();
  const query = useCall('cron.get', { params: { name }, live: (summary) => hasType(summary, 'cron.') });
  const mayChange = useMay('cron.register');
  const [opened, setOpened] = useState<'edit' | 'remove' | null>(null);
  const remove = useAction('cron.remove', { changes: ['cron.list'], done: `Deleted ${name}.` });
  const cron = query.data?.cron;
  if (query.error instanceof ApiFailure && query.error.status === 404) {
    return (
      <Frame title={name}>
        <Empty title="There is no such cron">
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
              <Button size="small" onClick={() => setOpened('edit')}>
                Change
              </Button>
              <Button size="small" kind="danger" onClick={() => setOpened('remove')}>
                Delete…
              </Button>
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
                <dl className="facts">
                  <dt>Expression</dt>
                  <dd>
                    <code>{expression}</code>
                  </dd>
                  <dt>Time zone</dt>
                  <dd>{timezone}</dd>
                  <dt>Overlap</dt>
                  <dd>{overlap_policy}</dd>
                  <dt>Registered as</dt>
                  <dd>{cron.registered_enabled ? 'enabled' : 'disabled'}</dd>
                  {paused_at !== null && (
                    <>
                      <dt>Paused by an operator</dt>
                      <dd>
                        <Time at={paused_at} />
                      </dd>
                    </>
                  )}
                  <dt>Last run</dt>
                  <dd>
                    <LastRun cron={cron} />
                  </dd>
                  <dt>Runs</dt>
                  <dd>{formatCount(run_count)}</dd>
                  <dt>Job</dt>
                  <dd>
                    <code>{type}</code> in{' '}
                    <Link to="/queues/$name" params={{ name: queueOf(cron) }}>
                      {queueOf(cron)}
                    </Link>
                  </dd>
                </dl>
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
        none="No run yet, or the server has deleted its jobs."
      />
      {opened === 'edit' && cron && <EditCron cron={cron} onClose={() => setOpened(null)} />}
      {opened === 'remove' && (
        <Confirm
          title={`Delete ${name}?`}
          confirm="Delete"
          destroys
          onConfirm={async () => {
            await remove.mutateAsync({ params: { name } });
            await navigate({ to: '/crons' });
          }}
          onClose={() => setOpened(null)}
        >
          The cron never runs again. Jobs of earlier runs stay.
        </Confirm>
      )}
    </Frame>
  );
}
