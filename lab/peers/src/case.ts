import { createRequire } from 'node:module';
import type { Ours } from './ours.ts';

/** The packages of the peers are not installed where types are checked, so they have none here. */
export type Untyped = ReturnType<NodeJS.Require>;

/** Loads a package of `lab/bench/peers`, which the benchmark and these cases share: one lock file, one version. */
export const load: (name: string) => Untyped = createRequire(
  new URL('../../bench/peers/package.json', import.meta.url),
);

/** A scenario on one side. It returns what happened, or nothing where `ran` says it all. */
type Scenario<Side> = (side: Side, ran: unknown[]) => Promise<unknown>;

export interface Case<Peer> {
  /** The first cells of the rows of the guide that the case is about. */
  readonly rows: readonly string[];
  readonly title: string;
  /** What happens with the peer and with ours. */
  readonly expected: { readonly peer: unknown; readonly ours: unknown };
  readonly peer: Scenario<Peer>;
  readonly ours: Scenario<Ours>;
}

/** A migration guide, with the cases of its tables and the reasons why a row has none. */
export interface Guide<Peer> {
  readonly page: string;
  readonly cases: readonly Case<Peer>[];
  readonly untested: Readonly<Record<string, string>>;
}

/** Both sides must do the same. */
export function same<Peer>(
  rows: readonly string[],
  title: string,
  expected: unknown,
  peer: Scenario<Peer>,
  ours: Scenario<Ours>,
): Case<Peer> {
  return { rows, title, expected: { peer: expected, ours: expected }, peer, ours };
}

/** The sides differ, as the guide says. */
export function differs<Peer>(
  rows: readonly string[],
  title: string,
  expected: { readonly peer: unknown; readonly ours: unknown },
  peer: Scenario<Peer>,
  ours: Scenario<Ours>,
): Case<Peer> {
  return { rows, title, expected, peer, ours };
}
