import pg from 'pg';
import { expect, test } from 'vitest';
import { explain, sqlState } from '../../../../src/storage/postgres/connection/errors.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';

test('a write to a closed socket means that the store is unavailable: EPIPE is no SQLSTATE', () => {
  const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE', errno: -32, syscall: 'write' });
  expect(sqlState(error)).toBeNull();
  expect(explain(error, 'db')).toBeInstanceOf(StoreUnavailable);
});

test('the SQLSTATE of an error is what the server has sent', () => {
  const error = new pg.DatabaseError('no room', 0, 'error');
  error.code = '53100';
  expect(sqlState(error)).toBe('53100');
});
