import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.html': 'text/html; charset=utf-8',
  '.woff2': 'font/woff2',
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types ojs-worker";
const rights = [
  'enqueue',
  'work',
  'inspect',
  'payload',
  'read',
  'list',
  'cancel',
  'schedule',
  'operate',
  'configure',
  'purge',
  'access',
];

/** INTERIM: serves the built pages in front of a server, until the server does so itself. */
export async function startFront(server: string, port = 0): Promise<{ readonly url: string; close(): void }> {
  const folder = new URL('../public/', import.meta.url);
  const front = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    if (path === '/dashboard/session') {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          required: false,
          authenticated: true,
          principal: null,
          roles: ['admin'],
          rights,
          queues: ['*'],
          sees_arguments: true,
          version: '0.1.0',
          mode: 'server',
        }),
      );
      return;
    }
    if (path.startsWith('/dashboard/')) {
      const name = path.slice('/dashboard/'.length);
      const file = new URL(name, folder);
      response.setHeader('content-security-policy', policy);
      if (name !== '' && existsSync(file) && extname(name) !== '') {
        response.setHeader('content-type', types[extname(name)] ?? 'text/plain');
        response.end(readFileSync(file));
        return;
      }
      const up = '../'.repeat(name.split('/').length - 1) || './';
      response.setHeader('content-type', types['.html'] ?? '');
      response.end(readFileSync(new URL('index.html', folder), 'utf8').replaceAll('="./', `="${up}`));
      return;
    }
    const { host: _, origin: __, ...headers } = request.headers;
    const to = ask(new URL(request.url ?? '/', server), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
      response.once('close', () => answer.destroy());
    });
    to.on('error', () => response.destroy());
    request.pipe(to);
  });
  front.listen(port, '127.0.0.1');
  await once(front, 'listening');
  const { port: taken } = front.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}`,
    close: () => {
      front.closeAllConnections();
      front.close();
    },
  };
}
