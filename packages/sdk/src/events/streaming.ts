import type { Transport } from '@ojs-ts/core';
import type { Connection } from '../connection.ts';
import { currentFake } from '../fake.ts';

/** The way to the server's streams; null where there is none: in a test with a fake what happens is read out of its log. */
export function streaming({ transport }: Connection): Required<Transport> | null {
  return currentFake() === null && hasStreams(transport) ? transport : null;
}

function hasStreams(transport: Transport): transport is Required<Transport> {
  return transport.stream !== undefined;
}
