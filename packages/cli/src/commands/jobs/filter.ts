import { didYouMean } from '@ojs-ts/core';
import { isState, State } from '@ojs-ts/core/job';
import { type Command, InvalidArgumentError } from 'commander';
import { past } from '../times.ts';
import { filled } from '../values.ts';

export interface FilterFlags {
  readonly queue?: string;
  readonly type?: string;
  readonly state?: readonly string[];
  readonly errorType?: string;
  readonly fingerprint?: string;
  readonly argsPart?: string;
  readonly since?: string;
  readonly until?: string;
  readonly query?: string;
}

/** A filter as the server reads it, in a query and in a body. */
export type Filter = {
  readonly queue?: string;
  readonly type?: string;
  readonly error_type?: string;
  readonly fingerprint?: string;
  readonly args?: string;
  readonly since?: string;
  readonly until?: string;
};

/** Adds the options that say which jobs. A job must match all that are given. */
export function takesFilter(command: Command): Command {
  return takesSubject(command, 'created').option('--state <states>', 'jobs in one of these states, by commas', states);
}

/** The same for a list, which can also be searched by a query. */
export function takesQuery(command: Command): Command {
  return takesQueryOption(takesFilter(command));
}

export function takesQueryOption(command: Command): Command {
  const about = "jobs that match a query, such as 'state:failed error~timeout age<2h'";
  return command.option('--query <query>', about, filled);
}

/** The same for a list of jobs in one state. @param when what happened to them at their time. */
export function takesSubject(command: Command, when: 'created' | 'discarded'): Command {
  return command
    .option('--queue <name>', 'jobs of this queue', filled)
    .option('--type <type>', 'jobs of this type, or of all that begin so: email.*', filled)
    .option('--error-type <type>', 'jobs whose last error has this type', filled)
    .option('--fingerprint <digits>', 'jobs whose last error has this fingerprint: see ojs errors list', filled)
    .option('--args-part <text>', 'jobs whose arguments, as JSON text, have this part', filled)
    .option('--since <time>', `jobs ${when} since then: 2026-01-31T09:00:00Z, or 2h for two hours ago`, past)
    .option('--until <time>', `jobs ${when} before then`, past);
}

export function filterOf({ queue, type, errorType, fingerprint, argsPart, since, until }: FilterFlags): Filter {
  return {
    ...(queue !== undefined && { queue }),
    ...(type !== undefined && { type }),
    ...(errorType !== undefined && { error_type: errorType }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(argsPart !== undefined && { args: argsPart }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

/** The filter as the query of a list. */
export function queryOf(flags: FilterFlags): Readonly<Record<string, string>> {
  const { state, query } = flags;
  return {
    ...filterOf(flags),
    ...(state !== undefined && { state: state.join(',') }),
    ...(query !== undefined && { q: query }),
  };
}

const stateNames = Object.keys(State);

/** States by commas, of an option. */
export function states(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !isState(name));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(`Expected states out of ${stateNames.join(', ')}.${didYouMean(wrong, stateNames)}`);
}
