import { cron } from '../../conformance/mutations/cron.ts';
import { fetch } from '../../conformance/mutations/fetch.ts';
import { mutations } from '../../conformance/mutations/index.ts';
import { lifecycle } from '../../conformance/mutations/lifecycle.ts';
import type { Mutation } from '../../conformance/mutations/mutation.ts';
import { queues } from '../../conformance/mutations/queues.ts';
import { retry } from '../../conformance/mutations/retry.ts';
import { settlement } from '../../conformance/mutations/settlement.ts';
import { unique } from '../../conformance/mutations/unique.ts';
import { worker } from '../../conformance/mutations/worker.ts';
import { workflows } from '../../conformance/mutations/workflows.ts';
import { lossMutations } from '../chaos/src/power/mutations.ts';
import { Chance } from '../chaos/src/random.ts';
import { mutants } from '../simulation/src/mutants.ts';

export type Instrument = 'simulation' | 'simulation on SQLite' | 'loss of power' | 'conformance cases';

/** A bug to be put into the product, and the instrument that should find it. */
export interface PlantedBug {
  readonly name: string;
  /** What the bug does, or for a drawn one the rule that it breaks. */
  readonly breaks: string;
  readonly instrument: Instrument;
  /** A mutation of `conformance/mutations`; else one of our own. */
  readonly drawn: Mutation | null;
}

/** They change what happens to jobs. The mutations of other topics change an answer, which the simulation does not read. */
const behaviour = new Set([
  ...worker,
  ...retry,
  ...lifecycle,
  ...fetch,
  ...settlement,
  ...cron,
  ...workflows,
  ...unique,
  ...queues,
]);

/** The instrument for a mutation; null for one of a store that has to be started: `npm run lab` has its cases. */
function instrumentOf(mutation: Mutation): Instrument | null {
  if (/^(?:postgres|redis)-/.test(mutation.name)) return null;
  if (mutation.name.startsWith('sqlite-')) return 'simulation on SQLite';
  return behaviour.has(mutation) ? 'simulation' : 'conformance cases';
}

/** Why the simulation does not see a bug; the conformance cases see it. */
export const reasons: Readonly<Record<string, string>> = {
  'run-has-no-name': 'a member of an answer',
  'directive-lost': 'no operator of the simulation sends a directive to one worker',
  'expired-on-arrival-refused': 'no job of the simulation has expired on arrival',
  'one-cron-list': 'a member of an answer',
  'errors-of-a-workflow-omitted': 'a member of an answer',
  'oldest-workflow-first': 'the order of a list',
  'active-expires': 'no job of the simulation expires while it is active',
  'sqlite-runs-not-counted': 'a number of an answer',
  'coefficient-below-one': 'the check of an option',
  'errors-dropped-on-ack': 'a member of an answer',
};

/** As many drawn mutations as mutants of our own, by seed. */
export function plantedBugs(seed: number): readonly PlantedBug[] {
  const own: readonly PlantedBug[] = [
    ...mutants.map(({ name, breaks }) => ({ name, breaks, instrument: 'simulation' as const, drawn: null })),
    ...lossMutations.map(({ name }) => ({
      name,
      breaks: 'a success is answered before the log is on the disk',
      instrument: 'loss of power' as const,
      drawn: null,
    })),
  ];
  return [...own, ...draw(own.length, seed)];
}

function draw(count: number, seed: number): readonly PlantedBug[] {
  const chance = new Chance(seed);
  const left = mutations.flatMap((drawn) => {
    const instrument = instrumentOf(drawn);
    return instrument === null ? [] : [{ name: drawn.name, breaks: drawn.rule, instrument, drawn }];
  });
  return Array.from({ length: count }, () => left.splice(chance.below(left.length), 1)).flat();
}
