import { styleText } from 'node:util';
import Table from 'cli-table3';
import { type Item, part, text } from './cells.ts';

/** A column of a table. `cell` reads the parsed item; numbers above 2^53 belong in {@link oneLine} texts. */
export interface Column<Item> {
  readonly title: string;
  readonly cell: (item: Item) => string;
  readonly align?: 'right';
}

/** The columns of a table, or the lines that describe one item. */
export type View = readonly Column<Item>[];

/**
 * A view as a template: `ID | STATE | AGE>: ${age} created_at | LAG>: ${millis} load.event_loop_lag_ms`. A cell has a
 * title, a format (`text` if there is none) and the member that it shows, by default the title in lower case. A title
 * that ends in > is for numbers, which are aligned right.
 */
export function view(
  pieces: TemplateStringsArray,
  ...formats: readonly ((item: Item, member: string) => string)[]
): View {
  let used = 0;
  const cells = pieces
    .join('\0')
    .split(/[|\n]/)
    .map((cell) => cell.trim());
  return cells
    .filter((cell) => cell !== '')
    .map((cell) => {
      const [, title, right, hole, path] = /^([^>:]+)(>)?(?:: *(\0)? *([\w.]*))?$/.exec(cell) ?? [];
      if (title === undefined) throw new Error(`Expected TITLE: \${format} member, got ${cell}.`);
      const format = (hole === undefined ? undefined : formats[used++]) ?? text;
      const parents = (path || title.toLowerCase().replaceAll(' ', '_')).split('.');
      const member = parents.pop() ?? '';
      const shown = (item: Item) => format(parents.reduce(part, item), member);
      return { title, cell: shown, ...(right !== undefined && { align: 'right' }) };
    });
}

const none = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
const chars = {
  ...none,
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', right: '', middle: '  ' },
};

/** Items as lines under titles, in columns as wide as their texts. */
export function table<Item>(columns: readonly Column<Item>[], items: readonly Item[]): string {
  const printed = new Table({
    head: columns.map(({ title }) => styleText('bold', title)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  printed.push(...items.map((item) => columns.map(({ cell }) => cell(item))));
  return printed
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

export type Line = readonly [name: string, value: string];

/** Names and values in two columns, without the lines that have no value. */
export function fields(rows: readonly Line[]): string {
  const shown = rows.filter(([, value]) => value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${styleText('bold', name.padEnd(width))}  ${value}`).join('\n');
}

/** One item under a view: a line for each title that has a value. @param more lines after those. */
export function details(shown: View, item: Item, more: readonly Line[] = []): string {
  return fields([...shown.map(({ title, cell }): Line => [title, cell(item)]), ...more]);
}
