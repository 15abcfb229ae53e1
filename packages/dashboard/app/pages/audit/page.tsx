import type { AuditEntry } from '@ojs-ts/core/schemas';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { isRecord } from '../../json/numeral.ts';
import { useSearchTexts } from '../../search.ts';
import type { Column } from '../../ui/data-table.tsx';
import { GrowingTable, useGrowingList } from '../../ui/growing-list.tsx';
import { Badge, Button, CopyAs, Empty, Page as Frame, Principal, quote, TextField, Time } from '../../ui/index.ts';
import { Entry } from './entry.tsx';

export function Page() {
  const { search, change } = useSearchTexts();
  const { type, principal, about } = search;
  const filter = { type, principal, about };
  const list = useGrowingList('audit.list', { query: filter, rowsOf: ({ items }) => items });
  const opened = list.rows.find(({ id }) => id === search.entry);
  const flags = Object.entries(filter).flatMap(([name, value]) => (value ? [`--${name} ${quote(value)}`] : []));
  const columns: readonly Column<AuditEntry>[] = [
    { id: 'at', label: 'When', cell: ({ timestamp }) => <Time at={timestamp} /> },
    {
      id: 'type',
      label: 'What',
      cell: ({ id, event_type, outcome }) => (
        <>
          <Link to="/audit" search={{ ...search, entry: id }}>
            {event_type}
          </Link>{' '}
          {outcome === 'failure' && <Badge tone="bad">failure</Badge>}
        </>
      ),
    },
    { id: 'who', label: 'Who', align: 'clip', cell: (entry) => <Principal id={entry.principal} /> },
    { id: 'about', label: 'About', align: 'clip', cell: ({ detail }) => aboutOf(detail) },
    { id: 'from', label: 'Address', cell: ({ source_ip }) => source_ip ?? '–' },
  ];
  return (
    <Frame
      title="Audit"
      lead="Who changed what, newest first. Open an entry for its details, and to restore earlier settings of a queue."
      actions={
        <CopyAs
          operation="audit.list"
          options={{ query: filter }}
          command={['audit list', ...flags, '--all --ndjson'].join(' ')}
          code="for await (const entry of await admin.listAudit()) console.log(entry);"
        />
      }
    >
      <Filters />
      <GrowingTable
        label="Audit entries"
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        none={
          <Empty title="No entry">
            <p>The server records changes of queues, jobs, limits, cron jobs, workers and tokens, and failed logins.</p>
          </Empty>
        }
      />
      {opened && <Entry entry={opened} onClose={() => change({ entry: undefined })} />}
    </Frame>
  );
}

const fields = [
  ['about', 'About', 'Id of a job, or a name'],
  ['type', 'What', 'queue.paused, token'],
  ['principal', 'Who', 'token_…'],
] as const;

/** Selects entries; sent as one, because each search reads the log. */
function Filters() {
  const { search, change } = useSearchTexts();
  const { about, type, principal } = search;
  const [draft, setDraft] = useState({ about, type, principal });
  useEffect(() => setDraft({ about, type, principal }), [about, type, principal]);
  return (
    <search>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          change(draft);
        }}
      >
        {fields.map(([name, label, example]) => (
          <TextField
            key={name}
            label={label}
            {...(name === 'about' && { 'data-search': true })}
            placeholder={example}
            value={draft[name] ?? ''}
            onChange={(text) => setDraft({ ...draft, [name]: text || undefined })}
          />
        ))}
        <Button type="submit">Find</Button>
      </form>
    </search>
  );
}

/** Returns the subject of the entry, from the usual members of its detail. */
function aboutOf(detail: AuditEntry['detail']): string {
  for (const name of ['name', 'job_id', 'id', 'key', 'bulk_id', 'type', 'route']) {
    for (const part of [detail, detail.request]) {
      const value = isRecord(part) ? part[name] : undefined;
      if (typeof value === 'string') return value;
    }
  }
  return '';
}
