import type { Trial } from '../../../dashboard/trial.ts';

export const peerNames = ['bull-board', 'pg-boss'] as const;
export type PeerName = (typeof peerNames)[number];

export const ourName = 'ojs-ts';
export const names = [ourName, ...peerNames] as const;
export type Name = (typeof names)[number];

export type Tried = Trial & { readonly kind: 'tried' };
export type Outcome = Tried | { readonly kind: 'cannot' };

/** What became of each task in one dashboard. */
export interface Contest {
  readonly name: Name;
  /** Its packages and their versions; none for ours. */
  readonly versions: Readonly<Record<string, string>>;
  readonly jobs: number;
  readonly outcomes: Readonly<Record<string, Outcome>>;
}
