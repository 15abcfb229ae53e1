import type { ListedJob } from '@ojs-ts/core/schemas';
import { useEffect, useMemo, useRef } from 'react';
import { formatCount } from '../../format/numbers.ts';
import { type Column, DataTable, type Selection } from '../../ui/data-table.tsx';
import { Button, Empty, Failure, Loading } from '../../ui/index.ts';
import { columnsOf } from './columns.tsx';
import { type JobListState, mostFound, mostRows } from './job-list.ts';
import { RowActions, type RowActionsProps } from './row-actions.tsx';

export interface JobTableProps {
  readonly state: JobListState;
  /** The rows are those of the last query. */
  readonly isLast: boolean;
  readonly q: string;
  readonly columns: readonly string[];
  readonly selection: Selection;
  readonly patch: RowActionsProps['patch'];
  readonly onRange: (first: number, last: number) => void;
  /** Called with true if the first rows are in sight. */
  readonly onTop: (isAtTop: boolean) => void;
  readonly onMore: () => void;
  readonly onPause: () => void;
  readonly onDone: () => void;
  readonly onRetry: () => void;
}

export function JobTable(props: JobTableProps) {
  const { state, isLast, q, columns, selection, patch, onRange, onTop, onMore, onPause, onDone, onRetry } = props;
  const { isLoaded, error, rows, before, after, search } = state;
  const all = useMemo<readonly Column<ListedJob>[]>(
    () => [
      ...columnsOf(columns),
      { id: 'actions', label: 'Actions', cell: (job) => <RowActions job={job} patch={patch} onDone={onDone} /> },
    ],
    [columns, patch, onDone],
  );
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = frame.current;
    const scrolled = ({ target }: Event): void => {
      if (target instanceof HTMLElement) onTop(target.scrollTop < 8);
    };
    // Scrolling does not bubble.
    element?.addEventListener('scroll', scrolled, { capture: true, passive: true });
    return () => element?.removeEventListener('scroll', scrolled, { capture: true });
  }, [onTop]);
  const isSearching = search !== null && !search.complete;
  if (!isLoaded) return error === null ? <Loading lines={8} /> : <Failure error={error} retry={onRetry} />;
  return (
    <div ref={frame} className="job-table" aria-busy={isLast}>
      {error !== null && <Failure error={error} retry={onRetry} />}
      {rows.length === 0 && before === 0 && !isSearching ? (
        <Nothing q={q} />
      ) : (
        <DataTable
          label="Jobs"
          rows={rows}
          columns={all}
          idOf={({ id }) => id}
          selection={selection}
          before={before}
          after={after}
          onRange={onRange}
        />
      )}
      <Foot state={state} onMore={onMore} onPause={onPause} />
    </div>
  );
}

interface FootProps {
  readonly state: JobListState;
  readonly onMore: () => void;
  readonly onPause: () => void;
}

/** How far the list came. */
function Foot({ state, onMore, onPause }: FootProps) {
  const { rows, search, isExact, isReading, total } = state;
  if (isExact) {
    if (total <= mostRows) return null;
    return (
      <p className="list-foot">
        The list shows {formatCount(mostRows)} of {formatCount(total)} jobs. Choose the opposite order or a narrower
        query for the others.
      </p>
    );
  }
  if (search === null) return null;
  const { scanned, of, complete } = search;
  const found = `${formatCount(rows.length)} match.`;
  if (complete)
    return (
      <p className="list-foot" role="status">
        {formatCount(scanned)} jobs read, {found}
      </p>
    );
  const about = of === undefined ? '' : ` of about ${formatCount(of)}`;
  return (
    <div className="list-foot">
      {of !== undefined && <progress aria-label="Jobs looked through" max={of} value={Math.min(scanned, of)} />}
      <span>
        Looked through {formatCount(scanned)}
        {about} jobs, {found}
      </span>
      {rows.length >= mostFound ? (
        <span>The list ends here. A narrower query finds the rest.</span>
      ) : isReading ? (
        <Button size="small" onClick={onPause}>
          Stop
        </Button>
      ) : (
        <Button size="small" onClick={onMore}>
          Continue
        </Button>
      )}
      <span className="soft">Plan: {search.plan}</span>
    </div>
  );
}

function Nothing({ q }: { readonly q: string }) {
  if (q !== '') {
    return (
      <Empty title="No job matches">
        <p>
          Make the query wider, or remove it. A plain word is looked for in arguments, meta and errors.{' '}
          <code>args[0]:42</code> asks for an argument, <code>args[0].user:42</code> for a value in it,{' '}
          <code>meta.tenant:acme</code> for a value in meta, and <code>error~timeout</code> for a part of an error.
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="No jobs yet">
      <p>A job that is enqueued shows here at once:</p>
      <pre>ojs enqueue hello '["world"]'</pre>
    </Empty>
  );
}
