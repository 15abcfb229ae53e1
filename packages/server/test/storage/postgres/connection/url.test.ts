import { expect, test } from 'vitest';
import { readPostgresUrl } from '../../../../src/storage/postgres/connection/url.ts';

test.each([
  ['postgres://h/db?sslmod=verify-full', /no parameter 'sslmod'.*Did you mean sslmode\?/],
  ['postgres://h/db?bogus=1', /no parameter 'bogus'/],
  ['postgres://h/db?connection=5', /Did you mean connections\?/],
  ['postgres://h/db?target_session_attrs=standby', /takes no writes; expected read-write, primary, any/],
])('a parameter that nobody reads is refused, with the nearest name: %s', (url, message) => {
  expect(() => readPostgresUrl(url)).toThrow(message);
});

test('a URL names several hosts, each with its port', () => {
  const address = readPostgresUrl('postgres://u:p%40@a:1,b,[::1]:3/db?target_session_attrs=read-write&sslmode=require');
  expect(address.targets.map((target) => target.replace(/\?.*/, ''))).toEqual([
    'postgres://u:p%40@a:1/db',
    'postgres://u:p%40@b/db',
    'postgres://u:p%40@[::1]:3/db',
  ]);
  expect(address.targets[2]).not.toContain('target_session_attrs');
  expect(address.name).toBe('a:1,b,[::1]:3/db (schema ojs)');
});

test.each(['postgres://a:1,/db', 'postgres://a,b:x/db', 'postgres://u:se/cret@a,b/db'])(
  'a list with a hole is refused: %s',
  (url) => {
    expect(() => readPostgresUrl(url)).toThrow(/no URL of a PostgreSQL database/);
  },
);

test('a socket is named by a parameter', () => {
  expect(readPostgresUrl('postgres:///db?host=/var/run/postgresql').targets[0]).toContain('host=');
});
