import { firstUuidAt, uuidFrom } from '@ojs-ts/core';
import { expect } from 'vitest';
import { AuditLog } from '../../../src/engine/access/audit-log.ts';
import { type Cases, t0 } from './tools.ts';

const entryOf = (number: number) => ({
  id: uuidFrom(t0 + number, 0, number),
  entry: `{"n":${number}.0,"text":"\\u0000 ä"}`,
});

export const auditCases: Cases = {
  async 'the audit log is read from its newest entry, page by page'({ records }) {
    const audit = new AuditLog(records);
    await audit.append([entryOf(2), entryOf(0)]);
    await audit.append([entryOf(1), entryOf(3)]);
    await audit.append([]);
    expect(await audit.read({ limit: 9 })).toEqual([3, 2, 1, 0].map(entryOf));
    expect(await audit.read({ limit: 2 })).toEqual([3, 2].map(entryOf));
    expect(await audit.read({ before: entryOf(2).id, limit: 9 })).toEqual([1, 0].map(entryOf));
    expect(await audit.read({ before: firstUuidAt(t0 + 1), limit: 9 })).toEqual([entryOf(0)]);
    expect(await audit.read({ before: firstUuidAt(0), limit: 9 })).toEqual([]);
  },
  async 'an entry of the audit log is written once, and never changed'({ records }) {
    const audit = new AuditLog(records);
    await audit.append([entryOf(0), entryOf(1)]);
    await audit.append([entryOf(1), { ...entryOf(0), entry: '{"other":true}' }, entryOf(2)]);
    expect(await audit.read({ limit: 9 })).toEqual([2, 1, 0].map(entryOf));
  },
  async 'the oldest entries of the audit log are pruned'({ records }) {
    const audit = new AuditLog(records);
    await audit.append([0, 1, 2, 3].map(entryOf));
    const prune = (auditBefore: number, limit: number) => audit.prune({ before: auditBefore, keep: 9 }, limit);
    expect(await prune(Number.NEGATIVE_INFINITY, 9)).toBe(0);
    expect(await prune(t0, 9)).toBe(0);
    expect(await prune(t0 + 3, 2)).toBe(2);
    expect(await audit.read({ limit: 9 })).toEqual([3, 2].map(entryOf));
    expect(await prune(t0 + 3, 9)).toBe(1);
    expect(await audit.read({ limit: 9 })).toEqual([entryOf(3)]);
  },
  async 'the audit log keeps its newest entries where there are too many'({ records }) {
    const audit = new AuditLog(records);
    await audit.append([0, 1, 2, 3, 4].map(entryOf));
    const prune = (keep: number, before: number, limit: number) => audit.prune({ before, keep }, limit);
    expect(await prune(5, t0, 9)).toBe(0);
    expect(await prune(2, t0, 1)).toBe(1);
    expect(await prune(2, t0, 9)).toBe(2);
    expect(await audit.read({ limit: 9 })).toEqual([4, 3].map(entryOf));
    expect(await prune(2, t0, 9)).toBe(0);
    expect(await prune(9, t0 + 4, 9)).toBe(1);
    expect(await audit.read({ limit: 9 })).toEqual([entryOf(4)]);
  },
};
