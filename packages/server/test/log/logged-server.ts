import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { ServerOptions } from '../../src/index.ts';

const main = resolve(import.meta.dirname, '../../src/index.ts');
const program = `
  const { startServer } = await import(${JSON.stringify(main)});
  const server = await startServer(JSON.parse(process.argv[1]));
  console.log(server.url);
  process.stdin.on('end', () => server.close()).resume();
`;

export interface LoggedServer {
  readonly url: string;
  /** Ends the server and returns everything that it has written to standard error. */
  end(): Promise<string>;
}

/** A server in a process of its own, whose log is that of production. */
export async function loggedServer(options: ServerOptions): Promise<LoggedServer> {
  const args = ['--input-type=module', '--eval', program, JSON.stringify({ port: 0, ...options })];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, args, { stdio: 'pipe', env });
  const log = text(child.stderr);
  const end = async () => {
    child.stdin.end();
    return log;
  };
  const [url] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(async () => {
      throw new Error(`The server did not start: ${await log}`);
    }),
  ]);
  return { url, end };
}
