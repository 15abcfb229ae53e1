import { expect } from 'vitest';
import { Documents } from '../../../src/engine/documents.ts';
import { type Cases, t0 } from './tools.ts';

export const documentCases: Cases = {
  async 'a document is written where its version is the expected one'(storage) {
    const documents = new Documents(storage.records);
    const first = { kind: 'schema', key: 'a', version: 1, body: '{"n":1.0}', createdAt: t0, updatedAt: t0 };
    expect(await documents.get('schema', 'a')).toBeNull();
    expect(await documents.put('schema', 'a', '{}', 1, t0)).toBeNull();
    expect(await documents.put('schema', 'a', '{"n":1.0}', null, t0)).toEqual(first);
    expect(await documents.put('schema', 'a', '{}', null, t0 + 1)).toBeNull();
    expect(await documents.put('schema', 'a', '{}', 2, t0 + 1)).toBeNull();
    expect(await documents.get('schema', 'a')).toEqual(first);
    const second = { ...first, version: 2, body: '[]', updatedAt: t0 + 1 };
    expect(await documents.put('schema', 'a', '[]', 1, t0 + 1)).toEqual(second);
    const third = { ...first, version: 3, body: '7', updatedAt: t0 + 2 };
    expect(await documents.put('schema', 'a', '7', 'any', t0 + 2)).toEqual(third);
    expect(await documents.get('schema', 'a')).toEqual(third);
  },
  async 'documents are listed by kind, sorted by key; a removed one may be created again'(storage) {
    const documents = new Documents(storage.records);
    for (const key of ['b', 'a/1', 'c']) await documents.put('webhook', key, '{}', 'any', t0);
    await documents.put('schema', 'a', '{}', 'any', t0);
    expect((await documents.list('webhook')).map(({ key }) => key)).toEqual(['a/1', 'b', 'c']);
    expect(await documents.list('none')).toEqual([]);
    expect(await documents.remove('webhook', 'b')).toBe(true);
    expect(await documents.remove('webhook', 'b')).toBe(false);
    expect(await documents.remove('none', 'b')).toBe(false);
    expect((await documents.list('webhook')).map(({ key }) => key)).toEqual(['a/1', 'c']);
    expect(await documents.get('schema', 'a')).toMatchObject({ version: 1 });
    expect(await documents.put('webhook', 'b', '1', null, t0 + 9)).toMatchObject({ version: 1, createdAt: t0 + 9 });
  },
  async 'no document has a key that PostgreSQL cannot keep'(storage) {
    expect(await new Documents(storage.records).get('schema', 'a\0')).toBeNull();
    expect(await new Documents(storage.records).remove('schema', 'a\0')).toBe(false);
  },
};
