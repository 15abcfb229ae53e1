import { BlockList, isIP, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** Addresses and networks: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. Null for none. Throws an Error for anything else. */
export function proxyList(texts: readonly string[]): BlockList | null {
  if (texts.length === 0) return null;
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', prefix, ...rest] = text.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const bits = family === 'ipv6' ? 128 : 32;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (isIP(address) === 0 || !(length <= bits) || rest.length > 0)
      throw new Error(`${text}: expected the address of a proxy, or a network such as 10.0.0.0/8`);
    list.addSubnet(address, length, family);
  }
  return list;
}

export function isProxy(proxies: BlockList | null, address: string): boolean {
  return proxies?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ?? false;
}

/** The client. A proxy may pass on anything in X-Forwarded-For: where that is no address, the client is who sent it. */
export function addressOf({ ip, ips }: FastifyRequest): string {
  return isIP(ip) !== 0 ? ip : (ips?.findLast((one) => isIP(one) !== 0) ?? ip);
}
