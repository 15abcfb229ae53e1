import type { LatencyPoint } from '../latency/report.ts';
import type { Kept } from '../ledger.ts';
import { titles } from '../places.ts';
import type { ScalePoint } from '../scale/report.ts';
import { perSecond, rateOf, table } from '../table.ts';
import { originLines } from './origin.ts';

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

How many jobs a second one machine, one PostgreSQL and one Redis carry. [Benchmarks](benchmarks.md) has the curves behind
this page. \`npm run bench -- latency\` and \`npm run bench -- scale\` measure the figures and write both pages.

## One store

The capacity is the highest rate at which enqueue, claim and ack stay level for the whole run. Workers, servers and the
store share one machine. Plan with half of it, so that a peak finds a reserve.

${
  capacities.length === 0
    ? 'Not measured yet.'
    : table(
        ['store', 'way', 'jobs/s'],
        capacities.map(({ kind, who, capacity }) => [titles[kind], who, perSecond(capacity ?? 0)]),
      )
}

## Several servers on one store

Servers, four workers and the store share one machine of two cores. *New* processes compile
their code within the drain, so each further server costs that again. *Warm* ones ran a drain before it.

${serversTable(scale)}
${capacities.length === 0 ? '' : `\n## Origin\n\n${originLines(capacities.map(({ kind, who, origin }) => ({ what: `${titles[kind]} (${who})`, origin })))}\n`}`;
}

function serversTable(scale: readonly Kept<ScalePoint>[]): string {
  const rows = scale
    .flatMap((point) => (point.curve === 'servers' ? [point] : []))
    .toSorted((a, b) => a.kind.localeCompare(b.kind) || a.x - b.x)
    .map(({ kind, x, warm, figure }) => [
      titles[kind],
      String(x),
      warm ? 'warm' : 'new',
      perSecond(rateOf({ scenario: 'servers', who: kind, figures: [figure] })),
    ]);
  return rows.length === 0
    ? 'Not measured yet.'
    : table(['store', 'servers', 'processes', 'jobs/s of a drain'], rows, 3);
}
