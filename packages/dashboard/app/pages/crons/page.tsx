import type { Cron } from '@ojs-ts/core/schemas';
import { useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { wordsOfCron } from '../../format/cron.ts';
import { formatCount } from '../../format/numbers.ts';
import { hasType } from '../../live/summary.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { CopyAs, CronLink, Empty, Page as Frame, Loaded, Opener, Time } from '../../ui/index.ts';
import { CronButtons } from './cron-buttons.tsx';
import { CronBadge, LastRun } from './cron-state.tsx';
import { EditCron } from './edit-cron.tsx';

export function Page() {
  const { search } = useSearchTexts();
  const crons = useCall('cron.list', { query: { limit: 1_000 }, live: (summary) => hasType(summary, 'cron.') });
  const mayRegister = useMay('cron.register');
  const asked = (search.find ?? '').toLowerCase();
  return (
    <Frame
      title="Crons"
      actions={
        <>
          {mayRegister && <Opener text="New cron">{(close) => <EditCron onClose={close} />}</Opener>}
          <CopyAs operation="cron.list" options={{}} command="cron list" code="await client.listCronJobs();" />
        </>
      }
    >
      <Loaded query={crons}>
        {({ items }) => {
          if (items.length === 0) {
            return (
              <Empty title="No cron yet">
                <p>A cron enqueues a job again and again. Register one here, or in your code with registerCronJob.</p>
              </Empty>
            );
          }
          const found = items.filter(({ name, type }) => `${name} ${type}`.toLowerCase().includes(asked));
          return (
            <>
              <FindField name="find" label="Find a cron" />
              <DataTable label="Crons" rows={found} columns={columns} idOf={({ name }) => name} />
            </>
          );
        }}
      </Loaded>
    </Frame>
  );
}

const columns: readonly Column<Cron>[] = [
  {
    id: 'name',
    label: 'Cron',
    align: 'clip',
    cell: (cron) => (
      <>
        <CronLink id={cron.name} /> <CronBadge cron={cron} />
      </>
    ),
  },
  {
    id: 'schedule',
    label: 'Schedule',
    align: 'clip',
    cell: ({ expression, timezone }) => (
      <span title={wordsOfCron(expression) ?? expression}>
        <code>{expression}</code> <span className="soft small">{timezone}</span>{' '}
        <span className="soft">{wordsOfCron(expression)}</span>
      </span>
    ),
  },
  { id: 'type', label: 'Job type', align: 'clip', cell: ({ type }) => <code>{type}</code> },
  {
    id: 'next',
    label: 'Next run',
    cell: ({ enabled, next_run_at }) => (enabled ? <Time at={next_run_at} /> : <span className="soft">–</span>),
  },
  { id: 'last', label: 'Last run', cell: (cron) => <LastRun cron={cron} /> },
  { id: 'count', label: 'Runs', align: 'number', cell: ({ run_count }) => formatCount(run_count) },
  { id: 'actions', label: 'Actions', cell: (cron) => <CronButtons cron={cron} /> },
];
