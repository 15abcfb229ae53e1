import type { Kept } from '../ledger.ts';
import { originLines } from '../page/origin.ts';
import { titles } from '../places.ts';
import type { Figure } from '../run.ts';
import { median } from '../statistics.ts';
import type { StoreKind } from '../store.ts';
import { latenciesOf, latencyTable, ms, rateOf, rateTable, type Series, table, verdict } from '../table.ts';
import { ourRetention } from '../terms.ts';
import { type Peer, peers, pickupTargetMs, targets } from './contestants.ts';

/** All rounds of one scenario by all contestants. */
export interface Contest {
  readonly ours: StoreKind;
  readonly theirs: StoreKind;
  readonly scenario: string;
  readonly jobs: number;
  /** How long the disk takes to synchronise, in milliseconds; only where that decides the figure. */
  readonly syncMs?: number | null;
  /** How each peer was set up then, by its name; left out where that is how it is set up now. */
  readonly setUps?: Readonly<Record<string, string>>;
  readonly series: readonly { readonly who: string; readonly figures: readonly Figure[] }[];
}

/** The part of `lab/docs/benchmarks.md` about peers. */
export function peersReport(contests: readonly Kept<Contest>[]): string {
  if (contests.length === 0) return 'Not measured yet.';
  const pairs = Map.groupBy(contests, ({ ours, theirs }) => JSON.stringify([ours, theirs]));
  return [...pairs.values()].map(pairReport).join('\n\n');
}

function pairReport(contests: readonly Kept<Contest>[]): string {
  const [first] = contests;
  if (first === undefined) return '';
  const { ours, theirs } = first;
  const where = titles[ours] === titles[theirs] ? '' : `, peers on ${titles[theirs]}`;
  const all = contests.flatMap(({ scenario, series }) => series.map((one) => ({ scenario, ...one })));
  const isDeleting = ({ scenario }: Series) => scenario.includes('-deleting');
  const keeping = all.filter((series) => !isDeleting(series));
  const deleting = all.filter(isDeleting);
  return [
    `### ${titles[ours]}${where}`,
    termsOf(contests, all, theirs),
    rateTable(keeping),
    ...(deleting.length === 0
      ? []
      : ['Both sides remove finished jobs, and the CPU time counts until the last one is gone:', rateTable(deleting)]),
    latencyTable(all),
    pickupVerdicts(all),
    ratioTable(all, ours === theirs ? undefined : ours),
    cpuVerdicts(all),
    syncTimes(contests),
    originLines(contests.map(({ scenario, origin }) => ({ what: scenario, origin }))),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

function isOurs(who: string): boolean {
  return who === 'embedded' || who === 'http';
}

/** Ours over each peer's, of the medians. */
function ratioTable(all: readonly Series[], on: StoreKind | undefined): string {
  const rates = all.filter(({ figures }) => figures[0]?.kind === 'rate');
  const rows = rates
    .filter(({ who }) => isOurs(who))
    .flatMap((ours) =>
      rates
        .filter(({ who, scenario }) => !isOurs(who) && scenario === ours.scenario)
        .map((their) => ratioRow(ours, their, on)),
    );
  return rows.length === 0 ? '' : table(['scenario', 'who', 'ratio', 'wanted'], rows);
}

function ratioRow(ours: Series, their: Series, on: StoreKind | undefined): readonly string[] {
  const ratio = rateOf(ours) / rateOf(their);
  const target = targets.find(
    (one) => one.scenario === ours.scenario && one.who === ours.who && one.peer === their.who && one.on === on,
  );
  const wanted = target === undefined ? '' : verdict(`at least ${target.least}`, ratio >= target.least);
  return [ours.scenario, `${ours.who} / ${their.who}`, ratio.toFixed(2), wanted];
}

/** Whether a job costs ours less than any peer, all processes together. */
function cpuVerdicts(all: readonly Series[]): string {
  const costs = all.flatMap((series) => {
    const cpus = series.figures.flatMap((figure) => (figure.kind === 'rate' && figure.cpu ? [figure.cpu] : []));
    const cost = median(cpus.map(({ own, server = 0, store = 0 }) => own + server + store));
    return cpus.length === 0 ? [] : [{ ...series, cost }];
  });
  return costs
    .filter(({ who }) => isOurs(who))
    .flatMap(({ who, scenario, cost }) => {
      const theirs = costs.filter((one) => one.scenario === scenario && !isOurs(one.who));
      const cheapest = theirs.toSorted((a, b) => a.cost - b.cost)[0];
      if (cheapest === undefined) return [];
      const [own, least] = [cost, cheapest.cost].map((us) => us.toFixed(1));
      return `- CPU of ${scenario}, ${who}: ${own} µs a job, wanted ${verdict(`less than the ${least} of ${cheapest.who}`, cost < cheapest.cost)}.`;
    })
    .join('\n');
}

function syncTimes(contests: readonly Kept<Contest>[]): string {
  return contests
    .flatMap(({ scenario, syncMs }) =>
      typeof syncMs === 'number'
        ? [`- ${scenario}: the disk took ${ms(syncMs)} ms to write and synchronise 4 KiB.`]
        : [],
    )
    .join('\n');
}

function pickupVerdicts(all: readonly Series[]): string {
  return all
    .filter(({ who, figures }) => isOurs(who) && figures[0]?.kind === 'latency')
    .map((series) => {
      const p99 = median(latenciesOf(series).map((figure) => figure.p99));
      return `- Pickup, ${series.who}: p99 ${ms(p99)} ms, wanted ${verdict(`under ${pickupTargetMs} ms`, p99 < pickupTargetMs)}.`;
    })
    .join('\n');
}

function termsOf(contests: readonly Contest[], all: readonly Series[], theirs: StoreKind): string {
  const durability = (wanted: (who: string) => boolean) =>
    all.find(({ who }) => wanted(who))?.figures[0]?.durability ?? 'not run';
  return [
    `- Ours: \`${durability(isOurs)}\`. Keeps ${ourRetention()}.`,
    ...peers[theirs].map(
      (peer) =>
        `- ${peer.who}: \`${durability((one) => one === peer.who)}\`. Keeps ${peer.retention}. Set up: ${setUpOf(peer, contests)}. Removes finished jobs: ${peer.deletes ?? 'never'}.`,
    ),
  ].join('\n');
}

/** How it was set up when its figures were taken; with the scenarios, where not all are of one time. */
function setUpOf({ who, setUp }: Peer, contests: readonly Contest[]): string {
  const all = Map.groupBy(contests, ({ setUps }) => setUps?.[who] ?? setUp);
  if (all.size < 2) return [...all.keys()].join('');
  return [...all].map(([text, some]) => `${text} (${some.map(({ scenario }) => scenario).join(', ')})`).join('. Or: ');
}
