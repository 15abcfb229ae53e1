import type { Connection } from '../connection/connection.ts';
import { currentFake } from '../connection/fake.ts';
import type { ErrorContext } from '../errors.ts';
import type { CallOptions } from '../job/options.ts';
import { startingFrom, type WireRequest } from '../job/wire.ts';
import { serverTraits } from '../operations/manifest.ts';
import { withRest } from './chain.ts';

/**
 * Sends requests with their delays as the server takes them. If its manifest has `x-relative-times`, a delay is sent as
 * a duration, and a wrong clock of the client does not matter. Other servers get the start time, calculated by their
 * own clock. A repeated request has the same text.
 */
export function withDelays<T>(
  connection: Connection,
  requests: readonly WireRequest[],
  options: CallOptions,
  about: ErrorContext,
  send: (requests: readonly WireRequest[], options: CallOptions) => Promise<T>,
): Promise<T> {
  if (currentFake() !== null || !requests.some(({ isDelayed }) => isDelayed)) return send(requests, options);
  const began = performance.now();
  return withRest(connection, options, about, async (rest) => {
    const relative = await serverTraits(connection).then(
      ({ relativeTimes }) => relativeTimes,
      () => false,
    );
    const now = connection.clock.now() - (performance.now() - began);
    return send(relative ? requests : requests.map((request) => startingFrom(request, now)), rest());
  });
}
