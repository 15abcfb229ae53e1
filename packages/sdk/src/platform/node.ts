import { hostname } from 'node:os';
import { requireNode, type Transport } from '@ojs-ts/core';
import { OJSError } from '../errors.ts';
import { FetchTransport } from '../transport/fetch.ts';
import type { HttpOptions } from '../transport/http.ts';
import { lazyTransport } from '../transport/lazy.ts';
import { environment } from './node/environment.ts';
import { startHeartbeats } from './node/start-heartbeats.ts';
import { tlsFor } from './node/tls.ts';
import type { Platform, ProcessSignal } from './platform.ts';

// Core refuses an old Node when it is loaded. A bundler drops that import, because the packages have no side effects, but keeps this call.
requireNode();

const signals: readonly ProcessSignal[] = ['SIGTERM', 'SIGINT', 'SIGTSTP', 'SIGCONT'];

/** Node, and what is compatible with it (Bun, Deno). */
export const platform: Platform = {
  environment,
  tlsFor,
  httpTransport: (options) => (options.fetch === undefined ? lazyTransport(() => openTransport(options)) : new FetchTransport(options)),
  process: {
    hostname: hostname(),
    pid: process.pid,
    onSignals(receive) {
      // Windows has no job control; there the names are refused.
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
};

/** undici is loaded with the first call: a worker on an engine in the same process never needs it. */
async function openTransport(options: HttpOptions): Promise<Required<Transport>> {
  if (!('bun' in process.versions)) {
    const { NodeTransport } = await import('../transport/node.ts').catch(missingUndici);
    if (NodeTransport !== null) return new NodeTransport(options);
  }
  // Bun puts a module of its own in the place of undici, whose pool answers nothing (Bun 1.4.5); its fetch pools connections itself.
  if (options.tls === undefined) return new FetchTransport(options);
  throw new OJSError(
    'TLS settings need undici, which is not installed (and not to be had on Bun); give `fetch` one with settings of its own.',
  );
}

function missingUndici(error: unknown): { NodeTransport: null } {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return { NodeTransport: null };
  throw error;
}
