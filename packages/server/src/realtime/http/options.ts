import type { NamesOf } from '@ojs-ts/core';
import { namesOf, serverOptions } from '@ojs-ts/core/options';
import type { ConnectionOptions } from '../streams/connection.ts';

/** Times in milliseconds. */
export interface RealtimeOptions extends ConnectionOptions {
  /**
   * The most streams and WebSockets of one token, or of one address without a token; and of all clients. Beyond them is
   * 429.
   */
  readonly connectionsPerClient: number;
  readonly connections: number;
  /** Interval of comments on a stream without events; the specification wants one in 15 s. */
  readonly heartbeatMs: number;
  /** How often the statistics are read for those who follow them. */
  readonly statisticsMs: number;
  /**
   * Interval of pings of a WebSocket, and how long a client may take to answer one; the specification has 30 s and 10
   * s.
   */
  readonly pingMs: number;
  readonly pongMs: number;
  /** How long a client may take to read the last messages when the server stops. */
  readonly shutdownMs: number;
}

/** The defaults of options that only a program may change. */
export const realtimeDefaults = {
  connections: 5_000,
  // Below the limits of the specification, because a timer is never early.
  heartbeatMs: 10_000,
  statisticsMs: 2_000,
  pingMs: 25_000,
  pongMs: 10_000,
  shutdownMs: 1_000,
};

export const realtimeNames: NamesOf<RealtimeOptions> = {
  ...namesOf(serverOptions.realtime),
  connections: true,
  heartbeatMs: true,
  statisticsMs: true,
  pingMs: true,
  pongMs: true,
  shutdownMs: true,
};
