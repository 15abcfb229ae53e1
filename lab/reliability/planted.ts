import { bugsOf, type TableName } from '../bugs/src/index.ts';

export type Instrument = 'simulation' | 'simulation on SQLite' | 'loss of power' | 'conformance cases';

/** A bug of `lab/bugs`, and the instrument that should find it. */
export interface PlantedBug {
  readonly table: TableName;
  readonly name: string;
  /** What the bug does, or for one of the cases the cases that it makes fail. */
  readonly breaks: string;
  readonly instrument: Instrument;
}

/**
 * Bugs of the conformance cases, drawn once by seed. Those that change what happens to jobs are for the simulation; it
 * does not read the answers that the others change.
 */
const drawn: Readonly<Record<string, Instrument>> = {
  'ack-from-available': 'simulation',
  'visibility-without-iso': 'conformance cases',
  'run-has-no-name': 'simulation',
  'result-of-any-size': 'conformance cases',
  'directive-lost': 'simulation',
  'unknown-fields-dropped': 'conformance cases',
  'group-in-sequence': 'simulation',
  'expired-on-arrival-refused': 'simulation',
  'one-cron-list': 'simulation',
  'errors-of-a-workflow-omitted': 'simulation',
  'type-upper-case': 'conformance cases',
  'result-too-early': 'conformance cases',
  'read-counts-as-attempt': 'simulation',
  'sqlite-replace-keeps-the-old': 'simulation on SQLite',
  'oldest-workflow-first': 'simulation',
  'active-expires': 'simulation',
  'sqlite-runs-not-counted': 'simulation on SQLite',
  'ignored-not-said': 'simulation',
  'every-entry-is-an-enqueue': 'conformance cases',
  'coefficient-below-one': 'simulation',
  'errors-dropped-on-ack': 'simulation',
};

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

export async function plantedBugs(): Promise<readonly PlantedBug[]> {
  const [simulation, power, cases] = await Promise.all([bugsOf('simulation'), bugsOf('power'), bugsOf('cases')]);
  const of = (table: TableName, bugs: typeof cases, instrumentOf: (name: string) => Instrument | undefined) =>
    Object.entries(bugs).flatMap(([name, [breaks]]): PlantedBug[] => {
      const instrument = instrumentOf(name);
      return instrument === undefined ? [] : [{ table, name, breaks, instrument }];
    });
  return [
    ...of('simulation', simulation, () => 'simulation'),
    ...of('power', power, () => 'loss of power'),
    ...of('cases', cases, (name) => drawn[name]),
  ];
}
