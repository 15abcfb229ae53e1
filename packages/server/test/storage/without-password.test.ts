import { expect, test } from 'vitest';
import { withoutPassword } from '../../src/storage/redis/connection/address.ts';

test.each([
  ['sqlite:./jobs@home.db', 'sqlite:./jobs@home.db'],
  ['postgres://me:hush@db/jobs?sslmode=require', 'postgres://me:***@db/jobs?sslmode=require'],
  [
    'postgres://db/jobs?user=me&password=hush&sslmode=require',
    'postgres://db/jobs?user=me&password=***&sslmode=require',
  ],
  ['redis://:hush@db/0?sentinelPassword=hush', 'redis://:***@db/0?sentinelPassword=***'],
])('%s is shown without its password', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});
