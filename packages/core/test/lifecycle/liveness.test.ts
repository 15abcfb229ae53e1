import { describe, expect, test } from 'vitest';
import { liveness } from '../../src/lifecycle/index.ts';

const now = 1_000_000;
const held = { id: 'a', claim: 1, worker: 'w', startedAt: now - 60_000 };
const signs = { seenAt: now - 5000, seenBefore: now - 10_000, holds: ['a'], heldBefore: ['a'] };

describe('liveness', () => {
  test('a worker that never sent a heartbeat is not dead', () => {
    expect(liveness(held, null, now, 0)).toBe('alive');
  });

  test('dead after 30 s of silence', () => {
    expect(liveness(held, { ...signs, seenAt: now - 29_999 }, now, 0)).toBe('alive');
    expect(liveness(held, { ...signs, seenAt: now - 30_000 }, now, 0)).toBe('dead');
    expect(liveness(held, { ...signs, seenAt: now - 10_000 }, now, 0, 10_000)).toBe('dead');
  });

  test('silence counts from when this server began to listen', () => {
    expect(liveness(held, { ...signs, seenAt: now - 90_000 }, now, now - 29_999)).toBe('alive');
    expect(liveness(held, { ...signs, seenAt: now - 90_000 }, now, now - 30_000)).toBe('dead');
  });

  test('forgotten: missing from two heartbeats in a row that both came after the claim', () => {
    const missing = { ...signs, holds: [], heldBefore: ['b'] };
    expect(liveness(held, missing, now, 0)).toBe('forgotten');
    expect(liveness({ ...held, startedAt: signs.seenBefore }, missing, now, 0)).toBe('alive');
    expect(liveness(held, { ...missing, heldBefore: ['a'] }, now, 0)).toBe('alive');
    expect(liveness(held, { ...missing, holds: ['a'] }, now, 0)).toBe('alive');
  });

  test('never forgotten if heartbeats only count, or after a single one', () => {
    expect(liveness(held, { ...signs, holds: null, heldBefore: [] }, now, 0)).toBe('alive');
    expect(liveness(held, { ...signs, holds: [], heldBefore: null }, now, 0)).toBe('alive');
    expect(liveness(held, { ...signs, holds: [], heldBefore: [], seenBefore: null }, now, 0)).toBe('alive');
  });
});

test('no fetch counts as lost within two seconds, however often heartbeats come', () => {
  const held = { id: 'j', claim: 1, worker: 'w', startedAt: 10_000 };
  const worker = { seenAt: 10_040, seenBefore: 10_020, holds: [], heldBefore: [] };
  expect(liveness(held, worker, 11_999, 0)).toBe('alive');
  expect(liveness(held, worker, 12_000, 0)).toBe('forgotten');
});
