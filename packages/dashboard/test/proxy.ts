import { request as ask } from 'node:http';
import { type App, listening } from './mount/support.ts';

/**
 * A proxy that serves an origin below a prefix, as in front of many applications. It keeps `Host`.
 * @param prefix which the proxy removes; empty for none.
 * @param added what the origin gets in its place.
 */
export function proxyTo(origin: string, prefix: string, added = ''): Promise<App & { readonly origin: string }> {
  return listening((incoming, outgoing) => {
    const { url = '', method = 'GET', headers } = incoming;
    if (!url.startsWith(prefix)) return void outgoing.writeHead(404).end();
    const forwarded = ask(`${origin}${added}${url.slice(prefix.length)}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
}
