import { styleText } from 'node:util';
import Table from 'cli-table3';

/** A column of a table. `cell` reads the parsed item; numbers above 2^53 belong in {@link oneLine} texts. */
export interface Column<Item> {
  readonly title: string;
  readonly cell: (item: Item) => string;
  readonly align?: 'right';
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

/** Names and values in two columns, without the lines that have no value. */
export function fields(rows: readonly (readonly [name: string, value: string | null])[]): string {
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== null && row[1] !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${styleText('bold', name.padEnd(width))}  ${value}`).join('\n');
}
