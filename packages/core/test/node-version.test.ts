import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { nodeRefusal } from '@ojs-ts/core/node-version';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const onNode = (node: string) => nodeRefusal({ versions: { node, uv: '1.46.0' }, execPath: '/usr/bin/node' });

describe('a Node that is too old is refused', () => {
  test.each(['22.19.0', '22.23.3', '23.4.0', '23.11.1', '24.0.0', '24.21.0', '26.0.0-nightly20260101'])(
    '%s is not',
    (node) => {
      expect(onNode(node)).toBeNull();
    },
  );

  test.each(['16.20.2', '20.20.2', '22.0.0', '22.18.9'])('%s needs 22.19', (node) => {
    expect(onNode(node)).toBe(
      `The @ojs-ts packages need Node.js 22.19 or later, but this is Node.js ${node} (/usr/bin/node): install a newer one from https://nodejs.org.`,
    );
  });

  test('23.0 to 23.3 have node:sqlite behind a flag only', () => {
    expect(onNode('23.3.0')).toContain('need Node.js 23.4 or later, but this is Node.js 23.3.0');
  });

  test.each([
    ['Bun', { versions: { node: '20.0.0', uv: '1.48.0', bun: '1.0.0' } }],
    ['Deno', { versions: { node: '20.11.1', uv: '1.43.0', deno: '1.46.3' } }],
    ['an edge platform with parts of Node', { versions: { node: '20.0.0' } }],
    ['a shim without versions', { versions: {} }],
  ])('%s is not refused', (_, runtime) => {
    expect(nodeRefusal(runtime)).toBeNull();
  });

  test('every published package declares the same', () => {
    const manifests = globSync('packages/*/package.json', { cwd: root }).map((path) =>
      JSON.parse(readFileSync(resolve(root, path), 'utf8')),
    );
    expect(manifests.map(({ name, engines }) => [name, engines.node])).toEqual(
      manifests.map(({ name }) => [name, '^22.19.0 || >=23.4.0']),
    );
  });
});
