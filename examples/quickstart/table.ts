import type { Measure } from './files.ts';

/** Rows of the whole table, with its head and its sums: the table and the banner below fit on one screen. */
const maxRows = 20;

/** path, size, lines, words and the first digits of SHA-256; `wc` and `sha256sum` give the same. */
export function summary(rows: readonly (readonly [path: string, measure: Measure])[]): string {
  const shown =
    rows.length <= maxRows - 2 ? rows : rows.toSorted((a, b) => b[1].size - a[1].size).slice(0, maxRows - 3);
  const width = Math.max(4, ...shown.map(([path]) => path.length));
  const line = (path: string, size: unknown, lines: unknown, words: unknown, digest: string) =>
    `${path.padEnd(width)}  ${String(size).padStart(9)}  ${String(lines).padStart(7)}  ${String(words).padStart(7)}  ${digest}`;
  const sum = (of: (measure: Measure) => number) => rows.reduce((total, [, measure]) => total + of(measure), 0);
  return [
    line('path', 'size', 'lines', 'words', 'sha-256'),
    ...shown.map(([path, { size, lines, words, sha256 }]) => line(path, size, lines, words, sha256.slice(0, 16))),
    ...(shown.length < rows.length ? [`… and ${rows.length - shown.length} smaller files`] : []),
    line(
      `${rows.length} files`,
      sum(({ size }) => size),
      sum(({ lines }) => lines),
      sum(({ words }) => words),
      '',
    ).trimEnd(),
  ].join('\n');
}
