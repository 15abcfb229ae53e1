import { describe, expect, test } from 'vitest';
import { coversEveryQueue, coversQueue, grants, rightsOf, roles } from '../../src/access/index.ts';
import { type OperationName, operationNames, operations } from '../../src/operations/index.ts';

/** The matrix of ojs-security §7.5: an operation of each row, and the roles that may call it. */
const matrix: readonly (readonly [string, OperationName, readonly string[]])[] = [
  ['enqueue', 'job.enqueue', ['producer', 'operator', 'admin']],
  ['dequeue', 'worker.fetch', ['worker', 'admin']],
  ['ACK', 'worker.ack', ['worker', 'admin']],
  ['NACK', 'worker.nack', ['worker', 'admin']],
  ['cancel job', 'job.cancel', ['operator', 'admin']],
  ['inspect job', 'job.get', ['operator', 'admin']],
  ['list queues', 'queue.list', ['operator', 'admin']],
  ['purge queue', 'bulk.delete', ['admin']],
  ['manage config', 'queue.configure', ['admin']],
  ['manage users', 'token.create', ['admin']],
];

describe('roles', () => {
  test.each(matrix)('of the specification: %s', (_, operation, allowed) => {
    const { right } = operations[operation];
    const may = (['producer', 'worker', 'operator', 'admin'] as const).filter(
      (role) => right === 'open' || grants({ roles: [role] }, right),
    );
    expect(may.toSorted()).toEqual(allowed.toSorted());
  });

  test('what the doctor finds is for those who can mend it: operators and administrators', () => {
    const { right } = operations['system.doctor'];
    const may = roles.filter((role) => right !== 'open' && grants({ roles: [role] }, right));
    expect(may.toSorted()).toEqual(['admin', 'operator']);
  });

  test('a viewer changes nothing', () => {
    const changing: readonly string[] = 'enqueue work cancel schedule operate configure purge access'.split(' ');
    expect(rightsOf.viewer.filter((right) => changing.includes(right))).toEqual([]);
  });

  test('every right is one that an operation needs, and some role has it', () => {
    for (const right of rightsOf.admin) {
      expect(
        operationNames.some((name) => operations[name].right === right),
        right,
      ).toBe(true);
      expect(
        roles.some((role) => role !== 'admin' && rightsOf[role].includes(right)),
        right,
      ).toBe(!['configure', 'purge', 'access'].includes(right));
    }
  });
});

describe('queues of a grant', () => {
  test.each([
    [['mail'], 'mail', true],
    [['mail'], 'mail.eu', false],
    [['mail.*'], 'mail.eu', true],
    [['mail.*'], 'mail', false],
    [['mail*'], 'mailing', true],
    [['sms', 'mail'], 'mail', true],
    [['*'], 'anything', true],
    [[], 'mail', false],
  ] as const)('%j and %s', (queues, queue, covered) => {
    expect(coversQueue({ queues }, queue)).toBe(covered);
  });

  test('all of them have to be named', () => {
    expect(coversEveryQueue({ queues: ['*'] })).toBe(true);
    expect(coversEveryQueue({ queues: ['m*', 'a*'] })).toBe(false);
  });
});
