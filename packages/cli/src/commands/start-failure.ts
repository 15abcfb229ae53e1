import { isObject } from '@ojs-ts/core';
import { Failure } from '../connection/failure.ts';

/** How long the process that has the port may take to say what it is. Milliseconds. */
const answerMs = 2_000;

/** Rejects with a Failure that says why a server did not start. */
export async function failStart(error: unknown): Promise<never> {
  const { ConfigError } = await import('@ojs-ts/server');
  if (error instanceof ConfigError) throw new Failure('usage', error.message);
  throw new Failure('failed', (await takenPort(error)) ?? (error instanceof Error ? error.message : String(error)));
}

/** Null for another error than that of a port in use. */
async function takenPort(error: unknown): Promise<string | null> {
  if (!isObject(error) || error.code !== 'EADDRINUSE') return null;
  const { address, port } = error;
  const change = 'choose another port with --port (OJS_PORT)';
  const url = `http://${reachable(String(address))}:${port}`;
  const other = await serverAt(url);
  if (other === null) return `Port ${port} of ${address} is taken by another process. Stop that one, or ${change}.`;
  return `Port ${port} is taken: ${other} answers at ${url}. Use that server, stop it, or ${change}.`;
}

function reachable(address: string): string {
  if (address === '0.0.0.0' || address === '::') return 'localhost';
  return address.includes(':') ? `[${address}]` : address;
}

/** The OJS server there, by its manifest. Null if there is none, or one with TLS. */
async function serverAt(url: string): Promise<string | null> {
  try {
    const answer = await fetch(`${url}/ojs/manifest`, { signal: AbortSignal.timeout(answerMs) });
    const manifest: unknown = await answer.json();
    if (!isObject(manifest) || !isObject(manifest.implementation)) return null;
    const { name, version } = manifest.implementation;
    return `an OJS server (${name} ${version}, store ${manifest.backend})`;
  } catch {
    return null;
  }
}
