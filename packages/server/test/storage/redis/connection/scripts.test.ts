import fs, { readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, expect, test } from 'vitest';
import { luaFolder } from '../../../../src/files.ts';
import { scriptsOf } from '../../../../src/storage/redis/connection/scripts.ts';

const { readFileSync: reading } = fs;

afterEach(() => {
  fs.readFileSync = reading;
  syncBuiltinESMExports();
});

test('the Lua of every operation is read at the start, so a process without free file descriptors can run it', () => {
  const folder = new URL('ops/', luaFolder);
  const files = readdirSync(folder).filter((file) => file.endsWith('.lua'));
  const scripts = files.flatMap((file) => [...scriptsOf(readFileSync(new URL(file, folder), 'utf8'), true).values()]);
  fs.readFileSync = () => {
    throw new Error('EMFILE: too many open files');
  };
  syncBuiltinESMExports();
  expect(scripts.length).toBeGreaterThan(50);
  for (const { text } of scripts) expect(text).toContain('#!lua');
});
