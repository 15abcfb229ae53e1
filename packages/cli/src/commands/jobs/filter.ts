import { didYouMean } from '@ojs-ts/core';
import { isState, State } from '@ojs-ts/core/job';
import { InvalidArgumentError } from 'commander';
import { flag, past, under } from '../flags.ts';

const heading = 'Filter:';

/** Options that say which jobs of one state. A job must match all. @param when what happened to them at their time. */
export function subjectFlags(when: 'created' | 'discarded') {
  return under(heading, {
    queue: flag('--queue <name>', 'jobs of this queue'),
    type: flag('--type <type>', 'jobs of this type, or of all types that begin so: email.*'),
    error_type: flag('--error-type <type>', 'jobs whose last error has this type'),
    fingerprint: flag('--fingerprint <digits>', 'jobs whose last error has this fingerprint (ojs errors list)'),
    args: flag('--args-part <text>', 'jobs whose arguments, as JSON text, contain this text'),
    since: flag('--since <time>', `jobs ${when} since then: 2026-01-31T09:00:00Z, or 2h for two hours ago`, past),
    until: flag('--until <time>', `jobs ${when} before then`, past),
  });
}

export const queryFlag = under(heading, {
  q: flag('--query <query>', "jobs that match a query, such as 'state:failed error~timeout age<2h'"),
});

/** Options that say which of all jobs. */
export const filterFlags = {
  ...subjectFlags('created'),
  ...under(heading, { state: flag('--state <states>', 'jobs in one of these states, separated by commas', states) }),
  ...queryFlag,
};

const stateNames = Object.keys(State);

/** States by commas, of an option. */
export function states(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !isState(name));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(`Expected states out of ${stateNames.join(', ')}.${didYouMean(wrong, stateNames)}`);
}
