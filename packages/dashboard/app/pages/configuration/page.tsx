import type { Configuration, Setting } from '@ojs-ts/core/schemas';
import { useState } from 'react';
import { useAction, useCall } from '../../api/calls.ts';
import { useMay } from '../../api/session.ts';
import { formatPeriod } from '../../format/times.ts';
import { useSearchTexts } from '../../search.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Badge, Button, Card, Confirm, CopyAs, Facts, Page as Frame, Loaded, TextField, Time } from '../../ui/index.ts';

export function Page() {
  const configuration = useCall('admin.config');
  return (
    <Frame
      title="Configuration"
      lead="The settings in force, and where each value comes from. Secrets are never shown."
      actions={<CopyAs operation="admin.config" options={{}} code="await admin.serverConfig();" />}
    >
      <MaintenanceCard />
      <Loaded query={configuration}>{(data) => <Settings configuration={data} />}</Loaded>
    </Frame>
  );
}

type Row = readonly [name: string, setting: Setting];

const columns: readonly Column<Row>[] = [
  { id: 'name', label: 'Setting', cell: ([name]) => <code>{name}</code> },
  {
    id: 'value',
    label: 'Value',
    cell: ([name, { value }]) => <code>{name === 'token' ? tokensOf(value) : textOf(value)}</code>,
  },
  {
    id: 'origin',
    label: 'Origin',
    cell: ([, { origin }]) => <Badge tone={origin === 'default' ? 'mute' : 'info'}>{origin}</Badge>,
  },
  { id: 'variable', label: 'Variable', cell: ([, { variable }]) => <code>{variable}</code> },
];

function Settings({ configuration }: { readonly configuration: Configuration }) {
  const { version, backend, durability, engine, settings = {} } = configuration;
  const { search } = useSearchTexts();
  const asked = (search.find ?? '').toLowerCase();
  const rows = Object.entries(settings).filter(([name, { variable }]) =>
    `${name} ${variable}`.toLowerCase().includes(asked),
  );
  return (
    <>
      <Card title="Engine">
        <Facts
          of={{
            Version: version,
            Storage: backend,
            Durability: durability,
            ...Object.fromEntries(Object.entries(engine).map(([name, value]) => [wordsOf(name), textOf(value)])),
          }}
        />
      </Card>
      {Object.keys(settings).length > 0 && (
        <>
          <FindField name="find" label="Find a setting" />
          <DataTable label="Settings" rows={rows} columns={columns} idOf={([name]) => name} />
        </>
      )}
    </>
  );
}

/** `dead_after` as `Dead after`. */
function wordsOf(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');
}

/** The server says how many tokens its own settings have, never which. */
function tokensOf(value: Setting['value']): string {
  return value === 0 ? 'none' : `${value} set`;
}

function textOf(value: Setting['value']): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'object') return value.length === 0 ? 'none' : value.join(', ');
  return formatPeriod(String(value));
}

/** In maintenance mode no job starts; enqueues and running jobs continue (docs/operate/maintenance-mode.md). */
function MaintenanceCard() {
  const maintenance = useCall('admin.maintenance', { refreshMs: 30_000 });
  const may = useMay('admin.setMaintenance');
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const set = useAction('admin.setMaintenance', { changes: ['admin.maintenance'] });
  return (
    <Card title="Maintenance mode">
      <Loaded query={maintenance} lines={1}>
        {({ maintenance: isOn, reason: given, enabled_at }) => (
          <div className="row spread">
            <span>
              <Badge tone={isOn ? 'warn' : 'good'}>{isOn ? 'on' : 'off'}</Badge>{' '}
              {isOn ? (
                <>
                  since <Time at={enabled_at} /> {given !== null && `(${given})`}
                </>
              ) : (
                'Jobs start as usual.'
              )}
            </span>
            {may && (
              <Button onClick={() => (isOn ? set.mutate({ body: { enabled: false } }) : setAsking(true))}>
                {isOn ? 'End maintenance' : 'Begin maintenance'}
              </Button>
            )}
          </div>
        )}
      </Loaded>
      {isAsking && (
        <Confirm
          title="Begin maintenance?"
          confirm="Begin"
          destroys
          onConfirm={() => set.mutateAsync({ body: { enabled: true, ...(reason !== '' && { reason }) } })}
          onClose={() => setAsking(false)}
        >
          <div className="stack">
            <p>
              No job starts until you end maintenance mode. The server still accepts new jobs, and running jobs finish.
            </p>
            <TextField
              label="Reason"
              hint="Shown here and by ojs maintenance status."
              value={reason}
              onChange={setReason}
            />
          </div>
        </Confirm>
      )}
    </Card>
  );
}
