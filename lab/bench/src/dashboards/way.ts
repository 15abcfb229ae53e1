import type { Operator } from '../../../dashboard/operator.ts';
import type { PeerScene } from './peer.ts';

/** How a peer's dashboard does a task, by the shortest way that somebody found, or why there is none. */
export type Way =
  | {
      readonly run: (operator: Operator, scene: PeerScene) => Promise<void>;
      /** What it does not do of the task. */
      readonly but?: string;
    }
  | { readonly cannot: string };

/** By the names of the tasks. */
export type Ways = Readonly<Record<string, Way>>;
