import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef } from 'react';

export interface Column<Row> {
  readonly id: string;
  readonly label: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers are at the right; long text ends in dots, and `fill` takes the room that other columns leave. */
  readonly align?: 'number' | 'clip' | 'fill';
  /** Lets the reader order the rows by this, in a table with `sorting`; null comes last. */
  readonly sortBy?: (row: Row) => number | string | null;
}

/** The order that the reader has chosen: the id of a column, after `-` with the largest first. */
export interface Sorting {
  readonly by: string | undefined;
  readonly change: (by: string | undefined) => void;
}

export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly change: (ids: ReadonlySet<string>) => void;
}

export interface DataTableProps<Row> {
  /** For readers of the screen. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  /** Ids of columns that are not shown. */
  readonly hidden?: readonly string[];
  readonly selection?: Selection;
  readonly sorting?: Sorting;
  /** Asks for more, where the end comes in sight. */
  readonly onEnd?: () => void;
  /** The number of rows before and after `rows` that are not loaded. */
  readonly before?: number;
  readonly after?: number;
  /** Called with the range of all rows that is in sight; the first one is 0. */
  readonly onRange?: (first: number, last: number) => void;
  /** Below the last row: how far the list came. */
  readonly foot?: ReactNode;
}

/** In pixels, until a row is measured. */
const rowHeight = 32;
/** Fewer rows are drawn as they are. */
const virtualFrom = 100;

/**
 * Rows under headings; of long lists only those in sight are drawn. Arrow keys move between the first links or buttons
 * of the rows, Space on a row selects.
 */
export function DataTable<Row>({
  label,
  rows,
  columns,
  idOf,
  hidden = [],
  selection,
  sorting,
  onEnd,
  before = 0,
  after = 0,
  onRange,
  foot,
}: DataTableProps<Row>) {
  const scroller = useRef<HTMLDivElement>(null);
  const by = sorting?.by;
  const all = useMemo(() => ordered(rows, columns, by), [rows, columns, by]);
  const visible = columns.filter(({ id }) => !hidden.includes(id));
  const count = before + all.length + after;
  const isVirtual = count >= virtualFrom;
  const virtual = useVirtualizer({
    count: isVirtual ? count : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const seen = virtual.getVirtualItems();
  const items = seen.filter(({ index }) => index >= before && index < before + all.length);
  const [from, length] = isVirtual ? [(items[0]?.index ?? before) - before, items.length] : [0, all.length];
  const drawn = all.slice(from, from + length);
  const above = items[0]?.start ?? 0;
  const below = isVirtual ? virtual.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;
  const [firstSeen, lastSeen] = isVirtual ? [seen[0]?.index ?? 0, seen.at(-1)?.index ?? 0] : [0, count - 1];
  const isAtEnd = isVirtual && lastSeen >= count - 20;
  useEffect(() => {
    if (isAtEnd) onEnd?.();
  }, [isAtEnd, onEnd]);
  useEffect(() => onRange?.(firstSeen, lastSeen), [firstSeen, lastSeen, onRange]);
  const shown = visible.length + (selection === undefined ? 0 : 1);
  const toggle = (id: string): void => {
    if (selection === undefined) return;
    const ids = new Set(selection.ids);
    if (!ids.delete(id)) ids.add(id);
    selection.change(ids);
  };
  const isAllSelected = all.length > 0 && all.every((row) => selection?.ids.has(idOf(row)));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must reach what scrolls (axe)
    <section ref={scroller} className={isVirtual ? 'table-wrap tall' : 'table-wrap'} tabIndex={0} aria-label={label}>
      <table aria-rowcount={isVirtual ? count + 1 : undefined}>
        <thead>
          <tr>
            {selection && (
              <th scope="col">
                <input
                  type="checkbox"
                  aria-label="Select all rows"
                  checked={isAllSelected}
                  onChange={() => selection.change(isAllSelected ? new Set() : new Set(all.map(idOf)))}
                />
              </th>
            )}
            {visible.map(({ id, label: header, align, sortBy }) => (
              <th
                key={id}
                scope="col"
                className={align === 'number' ? 'number' : undefined}
                aria-sort={by === id ? 'ascending' : by === `-${id}` ? 'descending' : undefined}
              >
                {sorting !== undefined && sortBy !== undefined ? (
                  <button type="button" className="sort" onClick={() => sorting.change(nextSort(id, by))}>
                    {header}
                  </button>
                ) : (
                  header
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={moveBetweenRows}>
          {above > 0 && <Gap key="above" height={above} columns={shown} />}
          {drawn.map((row, place) => {
            const id = idOf(row);
            const index = before + from + place;
            return (
              <tr
                key={id}
                ref={isVirtual ? virtual.measureElement : undefined}
                data-index={index}
                aria-selected={selection?.ids.has(id)}
                aria-rowindex={isVirtual ? index + 2 : undefined}
              >
                {selection && (
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Select ${id}`}
                      checked={selection.ids.has(id)}
                      onChange={() => toggle(id)}
                    />
                  </td>
                )}
                {visible.map((column) => (
                  <td key={column.id} className={column.align}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 && <Gap key="below" height={below} columns={shown} />}
        </tbody>
      </table>
      {foot}
    </section>
  );
}

/** The largest first, then the smallest, then the order of the list itself. */
function nextSort(id: string, by: string | undefined): string | undefined {
  if (by === `-${id}`) return id;
  return by === id ? undefined : `-${id}`;
}

function ordered<Row>(rows: readonly Row[], columns: readonly Column<Row>[], by = ''): readonly Row[] {
  const isDown = by.startsWith('-');
  const read = columns.find(({ id }) => id === (isDown ? by.slice(1) : by))?.sortBy;
  if (read === undefined) return rows;
  return rows.toSorted((one, other) => {
    const [first, second] = [read(one), read(other)];
    if (first === null || second === null) return Number(first === null) - Number(second === null);
    const sign = first < second ? -1 : Number(first > second);
    return isDown ? -sign : sign;
  });
}

function Gap({ height, columns }: { readonly height: number; readonly columns: number }) {
  return (
    <tr>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  );
}

function moveBetweenRows(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const steps: Readonly<Record<string, 'nextElementSibling' | 'previousElementSibling'>> = {
    ArrowDown: 'nextElementSibling',
    ArrowUp: 'previousElementSibling',
  };
  const step = steps[event.key];
  // A menu within a row moves by the same keys.
  if (
    step === undefined ||
    event.isDefaultPrevented() ||
    !(event.target instanceof HTMLElement) ||
    event.target.closest('select, textarea')
  )
    return;
  const cell = event.target.closest('td');
  const target = cell?.closest('tr')?.[step]?.children[cell.cellIndex]?.querySelector<HTMLElement>('a, button, input');
  if (target === null || target === undefined) return;
  event.preventDefault();
  target.focus();
}
