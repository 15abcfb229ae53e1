import { perSecond } from '../table.ts';
import type { Line } from './chart.ts';

/** Between neighbours of a curve: less is noise, or what a tree's next level costs. */
const least = 1.5;

/** Why curves bend, by the name that {@link bendsOf} gives a bend; the first that fits. */
const explanations: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:list|page), .*, memory,/,
    'The storage in memory sorts all jobs for each list. Its code is the plainest, and tests compare the others with it.',
  ],
  [
    /^(?:enqueue|claim|ack), .*, memory,/,
    'An operation in memory takes 10 to 150 ms of CPU in all, so this is likely a compilation or a garbage collection. No curve doubles from its first point to its last.',
  ],
  [/^(?:list|page), queues,/, 'A list adds up the counts of all queues, to choose between two ways to its jobs.'],
  [
    /^(?:enqueue|claim), finished, PostgreSQL, 100,000 to 1,000,000:/,
    'All processes of PostgreSQL count, so this is likely autovacuum of the rows that the filling has left. At 10,000,000 jobs a call costs 1.1 times as much as at 100,000.',
  ],
  [/^claim, keys, Redis, 1 to 10:/, 'The jobs of one key are one limit group. A claim reads the heads of all groups.'],
];

/** A point of a curve that is worse by half than the one before it. */
export interface Bend {
  /** As in `list, waiting, memory`. */
  readonly curve: string;
  readonly from: number;
  readonly to: number;
  readonly factor: number;
}

export function bendsOf(name: string, lines: readonly Line[], worse: 'up' | 'down'): readonly Bend[] {
  return lines.flatMap((line) =>
    line.points.flatMap(({ x, y }, index) => {
      const before = line.points[index - 1];
      if (before === undefined) return [];
      const factor = worse === 'up' ? y / before.y : before.y / y;
      return factor > least ? [{ curve: `${name}, ${line.name}`, from: before.x, to: x, factor }] : [];
    }),
  );
}

/** A list item for each reason, and below it the curves that bend for it. */
export function bendsReport(bends: readonly Bend[]): string {
  if (bends.length === 0) return 'No curve bends.';
  return [...Map.groupBy(bends, reasonOf)]
    .map(([reason, some]) => [`- ${reason}`, ...curvesOf(some)].join('\n'))
    .join('\n');
}

function reasonOf({ curve, from, to }: Bend): string {
  const text = `${curve}, ${perSecond(from)} to ${perSecond(to)}:`;
  return explanations.find(([pattern]) => pattern.test(text))?.[1] ?? '**Not explained yet.**';
}

function curvesOf(bends: readonly Bend[]): readonly string[] {
  return [...Map.groupBy(bends, ({ curve }) => curve)].map(([curve, some]) => {
    const steps = some.map(({ from, to, factor }) => `×${factor.toFixed(1)} (${perSecond(from)} to ${perSecond(to)})`);
    return `  - ${curve}: ${steps.join(', ')}`;
  });
}
