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
  [
    /^drain, workers,/,
    'Each worker is a process, whose start takes 0.3 to 0.7 s of CPU. A drain of 50,000 jobs is too short for many starts on two cores.',
  ],
  [/^(?:list|page), queues,/, 'A list adds up the counts of all queues, to choose between two ways to its jobs.'],
  [/^claim, keys, Redis, 1 to 10:/, 'The jobs of one key are one limit group. A claim reads the heads of all groups.'],
];

/** Where a curve gets worse by half from one point to the next, one list item each. */
export function bendsOf(name: string, lines: readonly Line[], worse: 'up' | 'down'): readonly string[] {
  return lines.flatMap((line) =>
    line.points.flatMap(({ x, y }, index) => {
      const before = line.points[index - 1];
      if (before === undefined) return [];
      const factor = worse === 'up' ? y / before.y : before.y / y;
      if (!(factor > least)) return [];
      const bend = `${name}, ${line.name}, ${perSecond(before.x)} to ${perSecond(x)}`;
      const why = explanations.find(([pattern]) => pattern.test(`${bend}:`))?.[1] ?? '**Not explained yet.**';
      return [`- ${bend}: ${factor.toFixed(1)} times. ${why}`];
    }),
  );
}
