import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uuidFrom } from '../../src/index.ts';
import { claimOf, Leases, noClaim } from '../../src/job/index.ts';

const key = '000102030405060708090a0b0c0d0e0f';
const leases = new Leases(key);
const ids = fc.nat().map((number) => uuidFrom(0, number, 1));
const claims = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

test('the tag is SipHash-2-4 of id and claim: the reference vector for 23 bytes', () => {
  // Bytes 0 to 22 in the words of the reference, which reads them from the lowest byte on.
  const job = { id: '03020100-0706-0504-0b0a-09080f0e0d0c', claim: 0x16_15_14_13_12_11_10 };
  const [claim, tag = ''] = leases.of(job).split('.');
  expect(claim).toBe(`c${job.claim.toString(36)}`);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const bits = [...tag].reduceRight((sum, digit) => (sum << 6n) | BigInt(alphabet.indexOf(digit)), 0n);
  expect(bits).toBe(0xa80c038ccd5ccec8n);
});

test('a lease stands for its job and its claim, and for nothing else', () => {
  fc.assert(
    fc.property(ids, claims, ids, claims, (id, claim, otherId, otherClaim) => {
      const lease = leases.of({ id, claim });
      expect(lease).toMatch(/^c[0-9a-z]+\.[\w-]{11}$/);
      expect(claimOf(lease)).toBe(claim);
      expect(leases.claimOf(id, lease)).toBe(claim);
      if (otherId !== id) expect(leases.claimOf(otherId, lease)).toBe(noClaim);
      if (otherClaim !== claim) expect(leases.of({ id, claim: otherClaim })).not.toBe(lease);
      expect(new Leases('f'.repeat(32)).claimOf(id, lease)).toBe(noClaim);
    }),
  );
});

test('a lease with any character changed, left out or added stands for no claim', () => {
  fc.assert(
    fc.property(ids, claims, fc.nat(), fc.constantFrom('', 'A', '0', '_', '.', 'é'), (id, claim, place, put) => {
      const lease = leases.of({ id, claim });
      const at = place % lease.length;
      const altered = lease.slice(0, at) + put + lease.slice(at + 1);
      if (altered !== lease) expect(leases.claimOf(id, altered)).toBe(noClaim);
      expect(leases.claimOf(id, `${lease}${put || 'A'}`)).toBe(noClaim);
      expect(leases.claimOf(id, `${lease.slice(0, at)}${put || 'A'}${lease.slice(at)}`)).toBe(noClaim);
    }),
  );
});

test('a text of another form stands for no claim', () => {
  const id = uuidFrom(0, 1, 1);
  for (const text of [
    '',
    'c',
    'c1',
    'c0.AAAAAAAAAAA',
    'c01.AAAAAAAAAAA',
    'czzzzzzzzzzz.AAAAAAAAAAA',
    'c'.repeat(100_000),
  ]) {
    expect(claimOf(text)).toBeNull();
    expect(leases.claimOf(id, text)).toBe(noClaim);
  }
  expect(leases.claimOf('no id', leases.of({ id, claim: 1 }))).toBe(noClaim);
});

test('a key is 32 hexadecimal digits', () => {
  for (const text of ['', key.slice(1), `${key}0`, key.toUpperCase()])
    expect(() => new Leases(text)).toThrow(TypeError);
});
