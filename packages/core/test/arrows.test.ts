import { globSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** The files of the storage interface. */
function ofInterface<T>(value: T): Readonly<Record<string, T>> {
  const files = ['prune', 'storage', 'inbox', 'backup', 'page', 'unavailable', 'diagnosis'];
  return Object.fromEntries(files.map((name) => [`packages/server/src/storage/${name}.ts`, value]));
}

/**
 * The rooms of the house, the most exact prefix first, and what each may import besides itself. The drawing is
 * docs/internals/architecture.md.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'packages/core/src': [],
  'packages/sdk/src/transport/node.ts': ['core', 'sdk', 'node:', 'undici'],
  'packages/sdk/src/platform/node.ts': ['core', 'sdk', 'node:', 'undici'],
  'packages/sdk/src/otel': ['core', 'sdk', '@opentelemetry/api'],
  'packages/sdk/src/framework/scope.ts': ['core', 'sdk', 'node:'],
  'packages/sdk/src/testing/real-store.ts': ['core', 'sdk', 'server'],
  'packages/sdk/src/testing': ['core', 'sdk', 'node:'],
  'packages/sdk/src/platform/node': ['core', 'sdk', 'node:'],
  'packages/sdk/src/sync': ['core', 'sdk', 'node:'],
  'packages/sdk/src': ['core'],
  ...ofInterface(['core']),
  // Where the files of the package are. What is built of it stands elsewhere than each module that names them.
  'packages/server/src/files.ts': ['node:'],
  'packages/server/src/storage/postgres': ['core', 'storage-interface', 'storage', 'files', 'node:', 'pg'],
  'packages/server/src/storage/redis': ['core', 'storage-interface', 'storage', 'files', 'node:', 'ioredis'],
  'packages/server/src/storage': ['core', 'storage-interface', 'files', 'node:'],
  'packages/server/src/engine/schemas/validator.ts': [
    'core',
    'engine',
    'ajv',
    'ajv/dist/2020.js',
    'ajv-formats/dist/formats.js',
    're2js',
  ],
  'packages/server/src/engine/telemetry/otel-api.ts': ['engine', '@opentelemetry/api'],
  // scrypt is in no other library of the platform.
  'packages/server/src/engine/access': ['core', 'storage-interface', 'node:'],
  'packages/server/src/engine/bulk': ['core', 'storage-interface', 'node:'],
  'packages/server/src/engine': ['core', 'storage-interface'],
  'packages/server/src/binding': ['core', 'engine', 'storage-interface', 'node:'],
  'packages/server/src/realtime/log': ['core', 'engine', 'storage-interface'],
  'packages/server/src/realtime/streams': ['core', 'binding', 'engine', 'storage-interface', 'node:'],
  'packages/server/src/realtime/http': ['core', 'binding', 'http', 'node:', 'fastify', 'ws'],
  'packages/server/src/http': ['core', 'binding', 'dashboard', 'node:', 'fastify'],
  'packages/server/src/embedded': ['core', 'binding', 'engine', 'files', 'storage', 'server', 'node:'],
  'packages/server/src': [
    'core',
    'binding',
    'embedded',
    'engine',
    'files',
    'http',
    'storage',
    'storage-interface',
    'node:',
    'fastify',
    'pino',
  ],
  'packages/dashboard/src': ['core', 'node:'],
  'packages/docs/src': ['node:'],
  'lab/checker/src/main.ts': ['checker', 'node:'],
  'lab/checker/src': [],
  // It wraps the storage interface and starts engines, so it looks inside of the server.
  'lab/simulation/src': [
    'core',
    'sdk',
    'checker',
    'embedded',
    'engine',
    'storage',
    'storage-interface',
    'server-tests',
    'lab',
    'node:',
  ],
  'packages/server/test': [],
  'packages/cli/src': ['core', 'sdk', 'server', 'node:', '@clack/prompts', 'cli-table3', 'commander'],
  'packages/create/src': ['cli'],
  // Nothing may import the laboratory.
  lab: [],
};
const names: Readonly<Record<string, string>> = {
  'lab/checker/src/main.ts': 'checker',
  'packages/core/src': 'core',
  'packages/sdk/src/otel': 'sdk',
  'packages/sdk/src/framework/scope.ts': 'sdk',
  'packages/sdk/src/testing/real-store.ts': 'sdk',
  'packages/sdk/src/testing': 'sdk',
  'packages/sdk/src': 'sdk',
  'packages/sdk/src/platform/node.ts': 'sdk',
  'packages/sdk/src/platform/node': 'sdk',
  'packages/sdk/src/sync': 'sdk',
  'packages/sdk/src/transport/node.ts': 'sdk',
  ...ofInterface('storage-interface'),
  'packages/server/src/files.ts': 'files',
  'packages/server/src/storage/postgres': 'storage',
  'packages/server/src/storage/redis': 'storage',
  'packages/server/src/storage': 'storage',
  'packages/server/src/engine/schemas/validator.ts': 'engine',
  'packages/server/src/engine/telemetry/otel-api.ts': 'engine',
  'packages/server/src/engine/access': 'engine',
  'packages/server/src/engine/bulk': 'engine',
  'packages/server/src/engine': 'engine',
  'packages/server/src/binding': 'binding',
  'packages/server/src/realtime/log': 'engine',
  'packages/server/src/realtime/streams': 'binding',
  'packages/server/src/realtime/http': 'http',
  'packages/server/src/http': 'http',
  'packages/server/src/embedded': 'embedded',
  'packages/server/src': 'server',
  'packages/dashboard/src': 'dashboard',
  'packages/docs/src': 'docs',
  'lab/checker/src': 'checker',
  'lab/simulation/src': 'simulation',
  'packages/server/test': 'server-tests',
  'packages/cli/src': 'cli',
  'packages/create/src': 'create',
  lab: 'lab',
};

function roomOf(file: string): string {
  const room = Object.keys(rooms).find((prefix) => file === prefix || file.startsWith(`${prefix}/`));
  if (room === undefined) throw new Error(`${file} is in no room`);
  return room;
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('node:')) return 'node:';
  if (specifier.startsWith('@ojs-ts/')) return specifier.split('/')[1] ?? 'unknown';
  if (specifier === '#platform') return 'sdk'; // the SDK's own import, chosen by condition
  if (!specifier.startsWith('.')) return specifier;
  return names[roomOf(posix.join(posix.dirname(file), specifier))] ?? 'unknown';
}

/** Every import that is not drawn: `file → what it imports`. */
function violations(sources: ReadonlyMap<string, string>): string[] {
  return [...sources].flatMap(([file, text]) => {
    const room = roomOf(file);
    const allowed = [...(rooms[room] ?? []), names[room] ?? ''];
    const imports = [
      ...text.matchAll(/^(?:import|export)\s[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm),
    ];
    return imports
      .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
      .filter((specifier) => !allowed.includes(targetOf(file, specifier)))
      .map((specifier) => `${file} → ${specifier}`);
  });
}

test('no arrow between the layers that docs/internals/architecture.md does not draw', () => {
  const files = globSync('{packages/*,lab/checker,lab/simulation}/src/**/*.ts', { cwd: root });
  expect(files.length).toBeGreaterThan(40);
  expect(violations(new Map(files.map((file) => [file, readFileSync(resolve(root, file), 'utf8')])))).toEqual([]);
});

test('an arrow that is not drawn is found', () => {
  const wrong = new Map([
    ['packages/core/src/a.ts', "import { readFileSync } from 'node:fs';"],
    [
      'packages/server/src/engine/b.ts',
      "import { SqliteStorage } from '../storage/sqlite/sqlite.ts';\nimport type { Storage } from '../storage/storage.ts';",
    ],
    ['packages/sdk/src/c.ts', "export { x } from '@ojs-ts/server';"],
    ['packages/cli/src/d.ts', "import { persist } from '../../../lab/failures/persistent.ts';"],
    ['packages/cli/src/e.ts', "import { redisUrl } from '../../server/test/support/redis.ts';"],
  ]);
  expect(violations(wrong)).toEqual([
    'packages/core/src/a.ts → node:fs',
    'packages/server/src/engine/b.ts → ../storage/sqlite/sqlite.ts',
    'packages/sdk/src/c.ts → @ojs-ts/server',
    'packages/cli/src/d.ts → ../../../lab/failures/persistent.ts',
    'packages/cli/src/e.ts → ../../server/test/support/redis.ts',
  ]);
});
