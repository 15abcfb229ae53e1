import type { LatencyPoint } from '../latency/report.ts';
import type { Kept } from '../ledger.ts';
import { titles } from '../places.ts';
import type { ScalePoint } from '../scale/report.ts';
import { perSecond, rateOf, table } from '../table.ts';
import { originLines } from './origin.ts';

const secondsADay = 86_400;
/** Of the arithmetic. */
const clusters = [3, 10] as const;

export interface ScaleFigures {
  readonly latency: readonly Kept<LatencyPoint>[];
  readonly scale: readonly Kept<ScalePoint>[];
}

/** The text of `lab/docs/scale.md`. */
export function scalePage({ latency, scale }: ScaleFigures): string {
  const capacities = latency.filter(
    ({ load, who, kind }) => load === 'half' && (who === 'embedded' || who === 'http') && kind !== 'memory',
  );
  return `# Scale

How many jobs a day one machine, one PostgreSQL and one Redis carry. [Benchmarks](benchmarks.md) has the curves behind
this page. \`npm run bench -- latency\` and \`npm run bench -- scale\` measure the figures and write both pages.

## One store

The capacity is the highest rate at which enqueue, claim and ack stay level for the whole run. Workers, servers and the
store share one machine. A day at that rate leaves no reserve: plan with half of it.

${
  capacities.length === 0
    ? 'Not measured yet.'
    : table(
        ['store', 'way', 'jobs/s', 'jobs a day', 'half of it, a day'],
        capacities.map(({ kind, who, capacity }) => {
          const jobs = capacity ?? 0;
          return [titles[kind], who, perSecond(jobs), millions(jobs), millions(jobs / 2)];
        }),
      )
}

## Several servers on one store

${serversTable(scale)}

## A cluster, by arithmetic

These rows are calculated, not measured. A store serves its queues alone, so several stores with queues of their own carry the
sum of their capacities. The rows multiply the capacity of one store. Each store needs a machine of its own.

${
  capacities.length === 0
    ? 'Not measured yet.'
    : table(
        ['store', 'way', ...clusters.map((count) => `jobs a day on ${count} (arithmetic)`)],
        capacities.map(({ kind, who, capacity }) => [
          titles[kind],
          who,
          ...clusters.map((count) => millions((capacity ?? 0) * count)),
        ]),
      )
}
${capacities.length === 0 ? '' : `\n## Origin\n\n${originLines(capacities.map(({ kind, who, origin }) => ({ what: `${titles[kind]} (${who})`, origin })))}\n`}`;
}

function serversTable(scale: readonly Kept<ScalePoint>[]): string {
  const rows = scale
    .flatMap((point) => (point.curve === 'servers' ? [point] : []))
    .toSorted((a, b) => a.kind.localeCompare(b.kind) || a.x - b.x)
    .map(({ kind, x, figure }) => [
      titles[kind],
      String(x),
      perSecond(rateOf({ scenario: 'servers', who: kind, figures: [figure] })),
    ]);
  return rows.length === 0 ? 'Not measured yet.' : table(['store', 'servers', 'jobs/s of a drain'], rows);
}

function millions(jobsPerSecond: number): string {
  return `${((jobsPerSecond * secondsADay) / 1_000_000).toFixed(0)} million`;
}
