import type { Measure } from './files.ts';

/** Of more files the largest are shown: what to try next, printed below, stays on one screen with the table. */
const maxRows = 20;

/** path, size, lines, words and the first digits of SHA-256, to be checked with `wc` and `sha256sum`. */
export function summary(rows: readonly (readonly [path: string, measure: Measure])[]): string {
  const shown = rows.length <= maxRows ? rows : rows.toSorted((a, b) => b[1].size - a[1].size).slice(0, maxRows);
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
