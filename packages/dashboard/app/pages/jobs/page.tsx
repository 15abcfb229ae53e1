import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { ChooseQueue } from '../../access/choose-queue.tsx';
import { useEveryQueue } from '../../api/session.ts';
import { formatTotal } from '../../format/numbers.ts';
import { keep, useKept } from '../../kept.ts';
import { useSearchTexts } from '../../search.ts';
import { Button, CopyAs, Empty, Page as Frame, Opener, quote } from '../../ui/index.ts';
import type { ListAction } from '../bulk/actions.ts';
import { AllMenu, BulkBar } from './bulk-bar.tsx';
import { BulkDialog, type BulkTargets } from './bulk-dialog.tsx';
import { BulkStrip } from './bulk-strip.tsx';
import { ColumnChooser } from './column-chooser.tsx';
import { readColumns, usualColumns } from './columns.tsx';
import { CountByMenu, CountsBy } from './count-by.tsx';
import { Export } from './export.tsx';
import type { JobListState } from './job-list.ts';
import './jobs.css';
import { JobTable } from './job-table.tsx';
import { conditionOf, maySort, queueOf, sorts, stateOf, withTerm } from './query.ts';
import { QueryField } from './query-field.tsx';
import { StateChips } from './state-chips.tsx';
import { TimeMenu } from './time-menu.tsx';
import { useJobList } from './use-job-list.ts';
import { ViewBar } from './view-bar.tsx';

const columnsKey = 'ojs-job-columns';
const none: ReadonlySet<string> = new Set();

export function Page() {
  const { q = '' } = useSearchTexts().search;
  if (useEveryQueue() || conditionOf(q) === null || queueOf(q) !== null) return <Jobs />;
  return (
    <Frame title="Jobs">
      <ChooseQueue to="/jobs" searchFor={(queue) => ({ q: withTerm(q, 'queue', `queue:${queue}`) })} />
    </Frame>
  );
}

function Jobs() {
  const { search, change } = useSearchTexts();
  const { q = '', sort = '', order = '', columns: asked = '', by = '' } = search;
  const keptColumns = useKept(columnsKey);
  const columns = useMemo(() => {
    const own = typeof keptColumns === 'string' ? readColumns(keptColumns) : null;
    return readColumns(asked) ?? own ?? usualColumns;
  }, [asked, keptColumns]);
  const [chosen, setChosen] = useState(none);
  const [dialog, setDialog] = useState<{ readonly action: ListAction; readonly targets: BulkTargets } | null>(null);
  const [started, setStarted] = useState<readonly string[]>([]);
  const [isAtTop, setAtTop] = useState(true);
  const jobs = useJobList({ q, sort, order }, isAtTop && chosen.size === 0 && dialog === null);
  const { list, state, isLast, changes, refresh } = jobs;

  const setQuery = (next: string, replace = false): void => {
    const keepsSort = sorts.some((one) => one.sort === sort && maySort(next, one));
    setChosen(none);
    change({ q: next || undefined, ...(!keepsSort && { sort: undefined, order: undefined }) }, { replace });
  };
  const setColumns = (ids: readonly string[]): void => {
    const text = ids.join(',');
    keep(columnsKey, text);
    change({ columns: text === usualColumns.join(',') ? undefined : text }, { replace: true });
  };
  const sorted = sorts.findIndex((one) => one.sort === sort && one.order === order);
  const latest = useRef(refresh);
  latest.current = refresh;
  const refreshLatest = useCallback(() => latest.current(), []);
  const metaNames = useMemo(() => namesIn(state.rows.map(({ meta }) => meta)), [state.rows]);
  const paths = useMemo(
    () => [...metaNames.map((name) => `meta${stepOf(name)}`), ...argPaths(state.rows)],
    [state.rows, metaNames],
  );
  const isWrong = conditionOf(q) === null;
  const total = formatTotal(state.total, !state.isExact && state.search?.complete !== true);
  const filters = Object.entries({ query: q, sort, order }).filter(([, text]) => text !== '');
  useEffect(() => {
    // A list that goes away takes what was chosen from it along, and the next one begins at its top.
    void list;
    setChosen(none);
    setAtTop(true);
  }, [list]);

  return (
    <Frame
      title="Jobs"
      aside={!isWrong && state.isLoaded && <span className="soft">{total}</span>}
      actions={
        <>
          <AllMenu label="All that match" onAction={(action) => setDialog({ action, targets: { kind: 'query', q } })} />
          <CopyAs
            operation="job.list"
            options={{ query: { q, sort, order } }}
            command={['jobs list', ...filters.map(([name, text]) => `--${name} ${quote(text)}`)].join(' ')}
          />
          <Opener text="Export…" size="small">
            {(close) => (
              <Export
                command={`ojs jobs export ${q === '' ? '' : `--query ${quote(q)} `}> jobs.ndjson`}
                onClose={close}
              />
            )}
          </Opener>
          <Button size="small" onClick={refresh}>
            Refresh
          </Button>
        </>
      }
    >
      <div className="job-search">
        <ViewBar q={q} asked={asked} columns={columns.join(',')} />
        <QueryField q={q} onChange={setQuery} paths={paths} />
        <div className="job-tools">
          <StateChips
            current={stateOf(q)}
            isNarrowed={withTerm(q, 'states?', '') !== ''}
            onChange={(name) => setQuery(withTerm(q, 'states?', name === null ? '' : `state:${name}`))}
          />
          <div className="row">
            <TimeMenu q={q} onChange={setQuery} />
            <select
              aria-label="Order"
              value={sorted}
              onChange={({ target }) => {
                const next = sorts[Number(target.value)];
                if (next !== undefined) change({ sort: next.sort || undefined, order: next.order || undefined });
              }}
            >
              {sorts.map((one, index) => (
                <option key={one.label} value={index} disabled={!maySort(q, one)} title={one.needs}>
                  {one.label}
                </option>
              ))}
            </select>
            <ColumnChooser chosen={columns} onChange={setColumns} />
            <CountByMenu by={by} metaNames={metaNames} onChange={(next) => change({ by: next || undefined })} />
          </div>
        </div>
      </div>
      {by !== '' && !isWrong && (
        <CountsBy
          q={q}
          by={by}
          withTerm={(term) => withTerm(q, by.replace(/[^\w-]/g, '\\$&'), term)}
          onClose={() => change({ by: undefined })}
        />
      )}
      {started.map((id) => (
        <BulkStrip
          key={id}
          id={id}
          onEnd={refreshLatest}
          onDismiss={() => setStarted((ids) => ids.filter((one) => one !== id))}
        />
      ))}
      {chosen.size > 0 && (
        <BulkBar
          count={chosen.size}
          total={total}
          onAction={(action, all) =>
            setDialog({
              action,
              targets: all ? { kind: 'query', q } : { kind: 'ids', ids: [...chosen], queue: queueOf(q) },
            })
          }
          onClear={() => setChosen(none)}
        />
      )}
      {changes > 0 && (
        <div className="changes">
          <Button size="small" onClick={refresh}>
            Jobs have changed: refresh
          </Button>
        </div>
      )}
      {isWrong ? (
        <Empty title="The query cannot be read">
          <p>The message below the query shows the place and what was expected.</p>
        </Empty>
      ) : (
        <JobTable
          key={`${q} ${sort} ${order}`}
          state={state}
          isLast={isLast}
          q={q}
          columns={columns}
          selection={{ ids: chosen, change: setChosen }}
          patch={list.patch}
          onRange={list.see}
          onTop={setAtTop}
          onMore={list.more}
          onPause={list.pause}
          onDone={refreshLatest}
          onRetry={refresh}
        />
      )}
      {dialog !== null && (
        <BulkDialog
          action={dialog.action}
          targets={dialog.targets}
          onStarted={(ids) => {
            setStarted((last) => [...ids, ...last]);
            setChosen(none);
          }}
          onClose={() => setDialog(null)}
        />
      )}
    </Frame>
  );
}

const mostRows = 200;
const mostNames = 50;

/** Names of members, for the completion of the query. */
function namesIn(values: readonly unknown[]): readonly string[] {
  const names = new Set<string>();
  for (const value of values.slice(0, mostRows))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const name of Object.keys(value)) names.add(name);
  return [...names].slice(0, mostNames);
}

/** `args[0].customer` of each member that an argument has. */
function argPaths(rows: JobListState['rows']): readonly string[] {
  const lists = rows.slice(0, mostRows).map(({ args }): readonly unknown[] => (Array.isArray(args) ? args : []));
  const longest = Math.min(4, Math.max(0, ...lists.map(({ length }) => length)));
  return Array.from({ length: longest }, (_, index) =>
    namesIn(lists.map((args) => args[index])).map((name) => `args[${index}]${stepOf(name)}`),
  ).flat();
}

function stepOf(name: string): string {
  return `.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`;
}
