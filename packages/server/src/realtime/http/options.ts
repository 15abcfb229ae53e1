import type { NamesOf } from '@ojs-ts/core';
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

export const realtimeNames: NamesOf<RealtimeOptions> = {
  bufferSize: true,
  ratePerSecond: true,
  connectionsPerClient: true,
  connections: true,
  heartbeatMs: true,
  statisticsMs: true,
  pingMs: true,
  pongMs: true,
  shutdownMs: true,
};

export const realtimeDefaults: RealtimeOptions = {
  bufferSize: 1_000,
  ratePerSecond: 100,
  connectionsPerClient: 100,
  connections: 5_000,
  // Below the limits of the specification, because a timer is never early.
  heartbeatMs: 10_000,
  statisticsMs: 2_000,
  pingMs: 25_000,
  pongMs: 10_000,
  shutdownMs: 1_000,
};
