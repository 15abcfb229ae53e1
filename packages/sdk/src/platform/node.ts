import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname } from 'node:os';
import { requireNode, type Transport } from '@ojs-ts/core';
import { OJSError } from '../errors.ts';
import { FetchTransport } from '../transport/fetch.ts';
import { foundTransport } from '../transport/found.ts';
import type { HttpOptions } from '../transport/http.ts';
import { environment } from './node/environment.ts';
import { startLoadMeter } from './node/load-meter.ts';
import { startHeartbeats } from './node/start-heartbeats.ts';
import { tlsFor } from './node/tls.ts';
import type { Platform, ProcessSignal } from './platform.ts';

// Core refuses an old Node when it is loaded. A bundler drops that import, because the packages have no side effects,
// but keeps this call.
requireNode();

const signals: readonly ProcessSignal[] = ['SIGTERM', 'SIGINT', 'SIGTSTP', 'SIGCONT'];

/** Node, and what is compatible with it (Bun, Deno). */
export const platform: Platform = {
  environment,
  tlsFor,
  httpTransport: (options) =>
    options.find === undefined ? transportTo(options) : foundTransport(options, options.find, transportTo),
  process: {
    hostname: hostname(),
    pid: process.pid,
    onSignals(receive) {
      // Windows has no job control: Node refuses SIGTSTP and SIGCONT.
      const wanted = process.platform === 'win32' ? signals.slice(0, 2) : signals;
      const listeners = wanted.map((signal) => ({ signal, listener: () => receive(signal) }));
      for (const { signal, listener } of listeners) process.on(signal, listener);
      return () => {
        for (const { signal, listener } of listeners) process.off(signal, listener);
      };
    },
    exit: (code) => process.exit(code),
  },
  startHeartbeats,
  startLoadMeter,
  asyncStorage: () => new AsyncLocalStorage(),
};

function transportTo(options: HttpOptions): Required<Transport> {
  return options.fetch === undefined ? lazyTransport(() => openTransport(options)) : new FetchTransport(options);
}

/** Loads undici with the first call: a worker on an embedded engine never needs it. */
async function openTransport(options: HttpOptions): Promise<Required<Transport>> {
  let missing = 'Bun has none';
  // Bun replaces undici by a module whose pool never answers (Bun 1.4.5). The fetch of Bun pools connections itself.
  if (!('bun' in process.versions)) {
    try {
      const { NodeTransport } = await import('../transport/node.ts');
      return new NodeTransport(options);
    } catch (error) {
      missing = whyMissing(error);
    }
  }
  if (options.tls === undefined) return new FetchTransport(options);
  throw new OJSError(`The option tls needs undici (${missing}). Pass a \`fetch\` with its own TLS settings instead.`);
}

/** Why undici could not be loaded. @throws the error of an installed but broken undici. */
function whyMissing(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  if ('code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND'))
    return 'it is not installed';
  // The error of esbuild's substitute for `require` in an ES module.
  if (!error.message.startsWith('Dynamic require of ')) throw error;
  warnOfBundle(error.message);
  return `it cannot run in this bundle: ${error.message}`;
}

let warned = false;

function warnOfBundle(message: string): void {
  if (warned) return;
  warned = true;
  process.emitWarning(
    `undici cannot run in this bundle (${message}), so @ojs-ts/sdk uses fetch, which is slower. ` +
      'Mark undici as external or define `require`: https://github.com/ojs-ts/ojs-ts/blob/main/docs/guides/bundling.md',
    { code: 'OJS_BUNDLED_UNDICI' },
  );
}

/** A transport that opens with its first call. */
function lazyTransport(open: () => Promise<Required<Transport>>): Required<Transport> {
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
