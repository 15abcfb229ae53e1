import { perSecond } from '../table.ts';
import type { Line } from './chart.ts';

/** Between neighbours of a curve: less is noise, or what a tree's next level costs. */
const least = 1.5;

/** Why curves bend, by the name that {@link bendsOf} gives a bend. */
const explanations: Readonly<Record<string, string>> = {};

/** Where a curve gets worse by half from one point to the next, one list item each. */
export function bendsOf(name: string, lines: readonly Line[], worse: 'up' | 'down'): readonly string[] {
  return lines.flatMap((line) =>
    line.points.flatMap(({ x, y }, index) => {
      const before = line.points[index - 1];
      if (before === undefined) return [];
      const factor = worse === 'up' ? y / before.y : before.y / y;
      if (!(factor > least)) return [];
      const bend = `${name}, ${line.name}, ${perSecond(before.x)} to ${perSecond(x)}`;
      return [`- ${bend}: ${factor.toFixed(1)} times. ${explanations[bend] ?? '**Not explained yet.**'}`];
    }),
  );
}
