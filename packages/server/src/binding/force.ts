import { didYouMean, ProtocolError, type Query } from '@ojs-ts/core';

/** `?force=true`, which does what the server would refuse. */
export function readForce({ force = 'false' }: Query): boolean {
  if (force === 'true' || force === 'false') return force === 'true';
  throw ProtocolError.invalid([
    { path: 'query.force', message: `must be true or false.${didYouMean(force, ['true', 'false'])}` },
  ]);
}
