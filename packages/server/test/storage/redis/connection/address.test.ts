import { describe, expect, test } from 'vitest';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';
import { readAddress } from '../../../../src/storage/redis/connection/address.ts';

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof Error)
      return JSON.stringify(
        error,
        Object.getOwnPropertyNames(error).filter((name) => name !== 'stack'),
      );
  }
  throw new Error('It was not refused.');
}

describe('a password that is not percent-encoded', () => {
  const passwords = ['alpha/beta', 'alpha?beta', 'alpha@beta', 'alpha/beta@gamma', '12/alpha', 'alpha%zz'];

  test.each(passwords)('is refused in a Redis URL, and the message does not show it: %s', (password) => {
    for (const url of [
      `redis://user:${password}@host:6379/0`,
      `redis://:${password}@host`,
      `redis+cluster://u:${password}@h1,h2`,
    ]) {
      const said = refusal(() => readAddress(url));
      expect(said).toMatch(/percent-encode/);
      expect(said).not.toMatch(/alpha|beta|gamma|12/);
    }
  });

  test.each(['alpha/beta', 'alpha?beta', '12/alpha'])(
    'is refused in a PostgreSQL URL, and the message does not show it: %s',
    (password) => {
      const said = refusal(() => readPostgresUrl(`postgres://user:${password}@host:5432/jobs`));
      expect(said).toMatch(/percent-encode/);
      expect(said).not.toMatch(/alpha|beta|12/);
    },
  );
});

test('sentinels may have a user of their own', () => {
  const address = readAddress(
    'redis+sentinel://app:a%40b@s1,s2:5/main?db=2&sentinelUsername=watch&sentinelPassword=w%40tch',
  );
  expect(address).toMatchObject({
    username: 'app',
    password: 'a@b',
    master: 'main',
    db: 2,
    sentinelUsername: 'watch',
    sentinelPassword: 'w@tch',
  });
  expect(() => readAddress('redis://h?sentinelPassword=x')).toThrow(/no option 'sentinelPassword'/);
});

test('sentinels use TLS where their master does, unless the URL says otherwise', () => {
  const read = (url: string) => readAddress(url).sentinelTls;
  expect(
    ['rediss+sentinel://s/m', 'redis+sentinel://s/m', 'rediss+sentinel://s/m?sentinelTls=false'].map(read),
  ).toEqual([true, false, false]);
  expect(() => read('rediss+sentinel://s/m?sentinelTls=no')).toThrow(/sentinelTls=no is neither 'true' nor 'false'/);
});
