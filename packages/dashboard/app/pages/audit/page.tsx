import { useInfiniteQuery } from '@tanstack/react-query';
import type { AuditEntry } from '../../api/answers/tokens.ts';
import { keyOf } from '../../api/calls.ts';
import { call } from '../../api/client.ts';
import { useSearchTexts } from '../../search.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyAs, quote } from '../../ui/copy.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Page as Frame } from '../../ui/page.tsx';
import { Empty, Failure, Loading } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { Entry } from './entry.tsx';
import { Filters } from './filters.tsx';

const perPage = 100;

export function Page() {
  const { search, change } = useSearchTexts();
  const { type, principal, about } = search;
  const filter = { type, principal, about };
  const list = useInfiniteQuery({
    queryKey: keyOf('audit.list', { query: filter }),
    queryFn: ({ pageParam, signal }) =>
      call('audit.list', { query: { ...filter, limit: perPage, cursor: pageParam }, signal }),
    initialPageParam: '',
    getNextPageParam: ({ pagination }) => (pagination.has_more ? pagination.next_cursor : undefined),
  });
  const entries = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const opened = entries.find(({ id }) => id === search.entry);
  const flags = Object.entries(filter).flatMap(([name, value]) => (value ? [`--${name} ${quote(value)}`] : []));
  const columns: readonly Column<AuditEntry>[] = [
    { id: 'at', label: 'When', cell: ({ timestamp }) => <Time at={timestamp} /> },
    {
      id: 'type',
      label: 'What',
      cell: ({ id, event_type, outcome }) => (
        <>
          <Button size="small" kind="plain" onClick={() => change({ entry: id })}>
            {event_type}
          </Button>{' '}
          {outcome === 'failure' && <Badge tone="bad">failure</Badge>}
        </>
      ),
    },
    { id: 'who', label: 'Who', align: 'clip', cell: (entry) => entry.principal },
    { id: 'about', label: 'About', align: 'clip', cell: ({ detail }) => aboutOf(detail) },
    { id: 'from', label: 'From', cell: ({ source_ip }) => source_ip ?? '–' },
  ];
  return (
    <Frame
      title="Audit"
      lead="Who changed what, newest first. Nobody can change an entry."
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
      {list.error !== null && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading />}
      {list.data && entries.length === 0 && (
        <Empty title="No entry">
          <p>The server records changes of queues, jobs, limits, crons, workers and tokens, and failed logins.</p>
        </Empty>
      )}
      {entries.length > 0 && (
        <DataTable
          label="Audit entries"
          rows={entries}
          columns={columns}
          idOf={({ id }) => id}
          onEnd={() => {
            if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
          }}
        />
      )}
      {list.hasNextPage && (
        <div>
          <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
      {opened && <Entry entry={opened} onClose={() => change({ entry: undefined })} />}
    </Frame>
  );
}

/** What the entry is about, of the usual members of its detail. */
function aboutOf(detail: AuditEntry['detail']): string {
  for (const name of ['name', 'job_id', 'id', 'key', 'bulk_id', 'route']) {
    for (const part of [detail, detail.request]) {
      const value = isRecord(part) ? part[name] : undefined;
      if (typeof value === 'string') return value;
    }
  }
  return '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
