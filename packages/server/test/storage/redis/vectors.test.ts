import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { textOf, vectors } from '../../../../core/test/vectors/vectors.ts';
import { readAddress } from '../../../src/storage/redis/connection/address.ts';
import { Connection } from '../../../src/storage/redis/connection/connection.ts';
import { type Packed, Packer, unpack } from '../../../src/storage/redis/connection/msgpack.ts';
import { scriptsOf } from '../../../src/storage/redis/connection/scripts.ts';
import { namespaceUrl, test } from './namespace.ts';

interface Vector {
  readonly input: Packed;
  readonly expected?: Packed;
}

const script = scriptsOf(readFileSync(new URL('vectors.lua', import.meta.url), 'utf8'), true).get('answers');

const rules = Object.values(vectors).flatMap((subject) =>
  Object.entries(subject).map(([rule, list]): [string, readonly Vector[]] => [
    rule,
    [...new Set(list.map(textOf))].map((text) => JSON.parse(text)),
  ]),
);

test.each(rules)('Lua answers the vectors of %s as core does', async (rule, list) => {
  if (script === undefined) throw new Error('vectors.lua has no operation `answers`.');
  const address = readAddress(namespaceUrl());
  const connection = new Connection(address);
  const request = new Packer().pack({ rule, inputs: list.map(({ input }) => input) });
  const answers = unpack(await connection.packedScript(script, `{${address.namespace}}:`, request));
  await connection.close();
  expect(present(answers)).toEqual(present(list.map(({ expected }) => expected ?? false)));
});

/** Without what is absent in Lua: members that are null or false. An empty table of Lua is packed as a list. */
function present(value: Packed | undefined): Packed | undefined {
  if (isList(value)) return value.map((item) => present(item) ?? false);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== false);
  return members.length === 0 ? [] : Object.fromEntries(members.map(([name, member]) => [name, present(member)]));
}

function isList(value: Packed | undefined): value is readonly Packed[] {
  return Array.isArray(value);
}
