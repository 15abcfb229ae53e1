import { useInfiniteQuery } from '@tanstack/react-query';
import { keyOf } from '../../api/calls.ts';
import { call } from '../../api/client.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Failure, Loading } from '../../ui/states.tsx';
import { EventTable } from './event-table.tsx';
import type { EventFilter } from './filters.tsx';

const perPage = 200;

/** The events after one, oldest first, as they happened. */
export function History({ filter, after }: { readonly filter: EventFilter; readonly after: string }) {
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
  if (events.length === 0) return <Empty title="Nothing has happened since" />;
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
