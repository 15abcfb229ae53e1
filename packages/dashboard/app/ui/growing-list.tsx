import type { Answers } from '@ojs-ts/core/schemas';
import { type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { keyOf } from '../api/calls.ts';
import { call, type QueryValue } from '../api/client.ts';
import type { Summary } from '../live/summary.ts';
import { Button } from './button.tsx';
import { type Column, DataTable } from './data-table.tsx';
import { Failure, Loading } from './states.tsx';

const perPage = 100;

/** Lists whose pages have cursors. */
type Listing = 'audit.list' | 'deadLetter.list' | 'workflow.list';

export interface GrowingOptions<Name extends Listing, Row> {
  readonly query: Readonly<Record<string, QueryValue>>;
  readonly rowsOf: (answer: Answers[Name]) => readonly Row[];
  readonly live?: (summary: Summary) => boolean;
}

export interface GrowingList<Row> {
  readonly rows: readonly Row[];
  readonly state: UseInfiniteQueryResult<unknown, Error>;
}

/** A list that is read page by page, each by the cursor of the one before. */
export function useGrowingList<Name extends Listing, Row>(
  name: Name,
  { query, rowsOf, live }: GrowingOptions<Name, Row>,
): GrowingList<Row> {
  const state = useInfiniteQuery({
    queryKey: keyOf(name, { query }),
    queryFn: ({ pageParam, signal }) => call(name, { query: { ...query, limit: perPage, cursor: pageParam }, signal }),
    initialPageParam: '',
    getNextPageParam: ({ pagination }: Answers[Name]) => (pagination.has_more ? pagination.next_cursor : undefined),
    ...(live !== undefined && { meta: { live } }),
  });
  return { rows: state.data?.pages.flatMap(rowsOf) ?? [], state };
}

export interface GrowingTableProps<Row> {
  readonly label: string;
  readonly list: GrowingList<Row>;
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  /** Shown if there is no row. */
  readonly none: ReactNode;
}

/** Its table, which asks for more as its end comes into view. */
export function GrowingTable<Row>({ label, list: { rows, state }, columns, idOf, none }: GrowingTableProps<Row>) {
  const { hasNextPage, isFetchingNextPage } = state;
  const more = (): void => {
    if (hasNextPage && !isFetchingNextPage) void state.fetchNextPage();
  };
  return (
    <>
      {state.error !== null && <Failure error={state.error} retry={() => void state.refetch()} />}
      {state.isPending && <Loading />}
      {state.data !== undefined && rows.length === 0 && none}
      {rows.length > 0 && <DataTable label={label} rows={rows} columns={columns} idOf={idOf} onEnd={more} />}
      {hasNextPage && (
        <div>
          <Button busy={isFetchingNextPage} onClick={more}>
            Show more
          </Button>
        </div>
      )}
    </>
  );
}
