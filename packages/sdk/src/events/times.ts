/** Times in milliseconds. */
export interface FollowTimes {
  /** A stream that is silent for so long is taken for broken; servers send a sign of life every 15 s at least (ojs-realtime §2.4). */
  readonly silenceMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Between two looks at a server without streams. */
  readonly minPollMs: number;
  readonly maxPollMs: number;
}

export const followTimes: FollowTimes = {
  silenceMs: 35_000,
  minBackoffMs: 100,
  maxBackoffMs: 5_000,
  minPollMs: 100,
  maxPollMs: 1_000,
};
