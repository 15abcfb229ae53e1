import { eventKinds } from '@ojs-ts/core/events';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ChooseQueue } from '../../access/choose-queue.tsx';
import { keyOf, useCall } from '../../api/calls.ts';
import { call } from '../../api/client.ts';
import { useEveryQueue } from '../../api/session.ts';
import { useSearchTexts } from '../../search.ts';
import { Button, CopyAs, Empty, Failure, Page as Frame, Loaded, Loading, quote, TextField } from '../../ui/index.ts';
import { EventTable } from './event-table.tsx';

interface EventFilter {
  readonly types: string | undefined;
  readonly queues: string | undefined;
  readonly job_types: string | undefined;
}

export function Page() {
  const { search, change } = useSearchTexts();
  const isWhole = search.all === 'yes';
  const filter = {
    types: kindsOf(search.types) ?? (isWhole ? undefined : usual),
    queues: search.queues,
    job_types: search.job_types,
  };
  const mustChoose = !useEveryQueue() && search.queues === undefined;
  const isReplay = search.after !== undefined;
  const flags = [
    ...(search.types === undefined || filter.types === undefined ? [] : [`--type ${quote(filter.types)}`]),
    ...(filter.queues === undefined ? [] : [`--queue ${quote(filter.queues)}`]),
  ];
  return (
    <Frame
      title="Events"
      lead={isReplay ? 'The log after one event, oldest first.' : 'Events as they happen, newest first.'}
      actions={
        <>
          {isReplay && (
            <Button size="small" onClick={() => change({ after: undefined })}>
              Back to now
            </Button>
          )}
          <CopyAs
            operation="event.list"
            options={{ query: { ...filter, order: 'desc' } }}
            command={['events tail', ...flags].join(' ')}
            code="for await (const event of client.events()) console.log(event.type);"
          />
        </>
      }
    >
      <Filters />
      {mustChoose ? (
        <ChooseQueue to="/events" searchFor={(queues) => ({ ...search, queues })} />
      ) : search.after === undefined ? (
        <Tail filter={filter} />
      ) : (
        <History filter={filter} after={search.after} />
      )}
    </Frame>
  );
}

const fields = [
  ['types', 'Kinds'],
  ['queues', 'Queues'],
  ['job_types', 'Job types'],
] as const;

/** Selects events: kinds, queues, types of jobs, each separated by commas. */
function Filters() {
  const { search, change } = useSearchTexts();
  const { types, queues, job_types } = search;
  const [draft, setDraft] = useState<EventFilter>({ types, queues, job_types });
  useEffect(() => setDraft({ types, queues, job_types }), [types, queues, job_types]);
  return (
    <search>
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          change({ ...draft });
        }}
      >
        {fields.map(([name, label]) => (
          <TextField
            key={name}
            label={label}
            {...(name === 'types' && { 'data-search': true, list: 'event-kinds', placeholder: 'job.failed, queue.*' })}
            value={draft[name] ?? ''}
            onChange={(text) => setDraft({ ...draft, [name]: text || undefined })}
          />
        ))}
        <datalist id="event-kinds">
          {eventKinds.map((kind) => (
            <option key={kind} value={kind} />
          ))}
        </datalist>
        <Button type="submit">Filter</Button>
        {types === undefined && (
          <label className="check">
            <input
              type="checkbox"
              checked={search.all === 'yes'}
              onChange={({ target }) => change({ all: target.checked ? 'yes' : undefined })}
            />
            Progress and heartbeats
          </label>
        )}
      </form>
    </search>
  );
}

/** The events of one page. */
const perPage = 200;

/** The newest events, following the log until the reader pauses. */
function Tail({ filter }: { readonly filter: EventFilter }) {
  const [isPaused, setPaused] = useState(false);
  const query = useCall('event.list', {
    query: { ...filter, order: 'desc', limit: perPage },
    live: () => !isPaused,
    keepLast: true,
  });
  return (
    <>
      <div className="row">
        <Button
          onClick={() => {
            setPaused(!isPaused);
            if (isPaused) void query.refetch();
          }}
        >
          {isPaused ? 'Follow again' : 'Pause'}
        </Button>
        <span className="soft" role="status">
          {isPaused ? 'Paused' : `Following; the newest ${perPage} are shown`}
        </span>
      </div>
      <Loaded query={query}>
        {({ events }) =>
          events.length === 0 ? (
            <Empty title="No event">
              <p>No such events, or the log no longer has them.</p>
            </Empty>
          ) : (
            <EventTable events={events} />
          )
        }
      </Loaded>
    </>
  );
}

/** The events after one, oldest first, as they happened. */
function History({ filter, after }: { readonly filter: EventFilter; readonly after: string }) {
  const list = useInfiniteQuery({
    queryKey: [...keyOf('event.list', { query: { ...filter } }), 'after', after],
    queryFn: ({ pageParam, signal }) =>
      call('event.list', { query: { ...filter, after: pageParam, limit: perPage }, signal }),
    initialPageParam: after,
    getNextPageParam: ({ has_more, cursor }) => (has_more ? cursor : undefined),
  });
  const events = list.data?.pages.flatMap((page) => page.events) ?? [];
  if (list.error !== null) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (list.isPending) return <Loading />;
  if (events.length === 0) return <Empty title="No events yet" />;
  return (
    <>
      <EventTable events={events} />
      {list.hasNextPage && (
        <div>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Next {perPage}
          </Button>
        </div>
      )}
    </>
  );
}

/** Reports of running jobs and of workers would leave no room for anything else. */
const frequent = /\.(?:heartbeat|progress)$/;
const usual = eventKinds.filter((kind) => !frequent.test(kind)).join(',');

/** The server takes whole kinds; `job.` selects all that begin so. */
function kindsOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const asked = text.split(/[\s,]+/).filter((one) => one !== '');
  const kinds = asked.flatMap((one) => {
    const beginning = one.replace(/\*$/, '');
    const found = eventKinds.filter((kind) => (one === beginning ? kind === one : kind.startsWith(beginning)));
    return found.length > 0 ? found : [one];
  });
  return kinds.length === 0 ? undefined : [...new Set(kinds)].join(',');
}
