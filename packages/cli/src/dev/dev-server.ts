import { createServer } from 'node:net';
import { type RunningServer, startServer, storageUrl } from '@ojs-ts/server';
import type { Item } from '../output/cells.ts';
import { readableLog } from '../output/speakers.ts';
import { devFolder, makeDevFolder } from './url-file.ts';

export interface DevServerOptions {
  /** URL of a storage; undefined for `OJS_STORAGE`, else the file below the working folder. */
  readonly storage: string | undefined;
  /** Undefined for `OJS_PORT`, else 8080 or the next free one. */
  readonly port: number | undefined;
  /** Takes each line of the server's log. True if it is reported in another way. */
  readonly isSaid: (record: Item) => boolean;
}

const usualPort = 8_080;
const ports = 100;

/** Variables of a server that others reach. This one listens on loopback without a token and without TLS. */
const notHere = ['OJS_TOKEN', 'OJS_TOKEN_FILE', 'OJS_AUTH_TOKEN', 'OJS_TLS_CERT_FILE', 'OJS_TLS_KEY_FILE'];

/** Starts the server of `ojs dev`. Its worker reads the same environment, so the variables leave it for both. */
export async function startDevServer({ storage, port, isSaid }: DevServerOptions): Promise<RunningServer> {
  for (const name of notHere) delete process.env[name];
  const isNamed = port !== undefined || Boolean(process.env.OJS_PORT);
  for (let first = usualPort; ; first++) {
    const wanted = isNamed ? port : await freePort(first);
    try {
      return await startServer({
        storage: storage ?? (process.env.OJS_STORAGE ? storageUrl(undefined) : ownFile()),
        host: '127.0.0.1',
        ...(wanted !== undefined && { port: wanted }),
        logTo: readableLog(isSaid),
      });
    } catch (error) {
      // Another ojs dev has taken the port since the look at it.
      if (isNamed || !isTaken(error) || first >= usualPort + ports) throw error;
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function ownFile(): string {
  makeDevFolder();
  return `sqlite:./${devFolder}/dev.db`;
}

/** The usual port, or the first free one after it. */
async function freePort(first: number): Promise<number> {
  for (let port = first; port < usualPort + ports; port++) if (await isFree(port)) return port;
  return 0;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
