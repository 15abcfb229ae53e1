import type { Configuration, Setting } from '@ojs-ts/core/schemas';
import { useCall } from '../../api/calls.ts';
import { formatPeriod } from '../../format/times.ts';
import { useSearchTexts } from '../../search.ts';
import { Badge } from '../../ui/badge.tsx';
import { CopyAs } from '../../ui/copy.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { FindField } from '../../ui/find-field.tsx';
import { Card, Page as Frame } from '../../ui/page.tsx';
import { Loaded } from '../../ui/states.tsx';
import { MaintenanceCard } from './maintenance-card.tsx';

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
        <dl className="facts">
          <Fact name="Version" value={version} />
          <Fact name="Storage" value={backend} />
          <Fact name="Durability" value={durability} />
          {Object.entries(engine).map(([name, value]) => (
            <Fact key={name} name={wordsOf(name)} value={textOf(value)} />
          ))}
        </dl>
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

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
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
