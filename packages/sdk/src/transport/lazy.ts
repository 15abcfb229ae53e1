import type { Transport } from '@ojs-ts/core';

/** A transport that opens with its first call. */
export function lazyTransport(open: () => Promise<Required<Transport>>): Required<Transport> {
  let opened: Promise<Required<Transport>> | undefined;
  return {
    async call(call, context) {
      opened ??= open();
      return (await opened).call(call, context);
    },
    async stream(call, context) {
      opened ??= open();
      return (await opened).stream(call, context);
    },
    async [Symbol.asyncDispose]() {
      if (opened !== undefined) await (await opened)[Symbol.asyncDispose]();
    },
  };
}
