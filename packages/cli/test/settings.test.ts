import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { variableNames, variables } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { readConfig, type ServerConfig } from '../../server/src/config.ts';
import { selfSigned } from '../../server/test/support/certificate.ts';
import { serveCommand } from '../src/commands/serve.ts';

// Every option of the server is a variable and a flag, and stands in the table of docs/server.md.

const read = variableNames.filter((name) => variables[name].includes('server'));
const flags = new Map(
  serveCommand().options.flatMap(({ long, description }) => {
    const [variable] = /\bOJS_[A-Z_]+/.exec(description) ?? [];
    return variable === undefined ? [] : [[variable, long ?? ''] as const];
  }),
);
const rows = readFileSync(resolve(import.meta.dirname, '../../../docs/server.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `--'))
  .map((line) => line.split('|').slice(1, 3))
  .map(([flag = '', variable = '']) => [flag.match(/--[a-z-]+/g) ?? [], variable.match(/OJS_[A-Z_]+/g) ?? []] as const);
const documented = new Map(
  rows.flatMap(([names, of]) => of.map((variable, index) => [variable, names[index]] as const)),
);

describe('settings of the server', () => {
  test('each variable has one flag', () => {
    expect([...flags.keys()].toSorted()).toEqual(read.toSorted());
    expect(serveCommand().options).toHaveLength(read.length);
  });

  test('docs/server.md lists every variable with its flag', () => {
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(flags));
  });

  test('each variable changes a setting, and each setting has a variable', () => {
    const { certFile, keyFile } = selfSigned();
    const tokenFile = join(mkdtempSync(join(tmpdir(), 'ojs-tokens-')), 'tokens');
    writeFileSync(tokenFile, 'long-enough', { mode: 0o600 });
    const samples: Readonly<Record<string, string>> = {
      OJS_STORAGE: 'memory:',
      OJS_TOKEN: 'long-enough',
      OJS_TOKEN_FILE: tokenFile,
      OJS_PROXIES: '10.0.0.7',
      OJS_FAILED_LOGINS: '5/1s',
      OJS_LOG_LEVEL: 'error',
      OJS_LOG_JOBS: '1/10',
      OJS_ACCESS_LOG: 'true',
      OJS_REQUEST_RATE: '5/1s',
      OJS_PAUSED_QUEUES: 'reject',
      OJS_ALLOWED_HOSTS: 'a',
      OJS_ALLOWED_ORIGINS: 'http://a',
      OJS_HOST: 'localhost',
      OJS_TEST_MODE: 'true',
      OJS_REQUIRE_LEASE: 'true',
      OJS_HISTORY_RETENTION: 'queue=mail:2d',
    };
    const flag = /^OJS_(?:QUIRKS|EVENTS|DASHBOARD|STORE_CHECK|HISTORY_ENABLED)$/;
    const count =
      /COUNT$|^OJS_(?:PORT|MEMORY|POISON_AFTER|MAX_QUEUES|MAX_CONNECTIONS(?:_PER_ADDRESS)?|REALTIME_.*|HISTORY_.*)$/;
    const plain = leaves(readConfig({}, {}));
    const changed = new Set<string>();
    for (const name of read) {
      // It asks for a token elsewhere, and changes nothing on a server that has one.
      if (name === 'OJS_INSECURE') continue;
      const value = samples[name] ?? (flag.test(name) ? 'false' : count.test(name) ? '7' : '7s');
      const tls = name.startsWith('OJS_TLS_')
        ? { OJS_TLS_CERT_FILE: certFile, OJS_TLS_KEY_FILE: keyFile }
        : { [name]: value };
      const found = leaves(readConfig({}, tls));
      const differs = [...found].filter(([path, text]) => plain.get(path) !== text).map(([path]) => path);
      expect(differs, name).not.toEqual([]);
      for (const path of differs) changed.add(path);
    }
    const fixed = [
      'insecure',
      'realtime.heartbeatMs',
      'realtime.statisticsMs',
      'realtime.pingMs',
      'realtime.pongMs',
      'realtime.shutdownMs',
      'realtime.connections',
    ];
    const isReached = (path: string) => [...changed].some((one) => one === path || one.startsWith(`${path}.`));
    expect([...plain.keys()].filter((path) => !isReached(path) && !fixed.includes(path))).toEqual([]);
    // Members that are there only where they are set.
    const retention = [
      'completedMs',
      'cancelledMs',
      'discardedMs',
      'keep',
      'deadLetterMs',
      'keepDeadLetters',
      'eventsMs',
      'keepEvents',
    ];
    for (const name of [...retention, 'workflowsMs', 'keepWorkflows', 'statisticsMs'])
      expect(changed).toContain(`engine.retention.${name}`);
    for (const name of ['visibilityMs', 'deadAfterMs', 'requireLease', 'poisonAfter', 'pausedQueues'])
      expect(changed).toContain(`engine.${name}`);
    for (const name of ['enabled', 'retentionDays', 'maxEventsPerJob', 'rules'])
      expect(changed).toContain(`engine.history.${name}`);
  });
});

/** Every setting by its path. */
function leaves({ warnings: _, ...config }: ServerConfig): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || Buffer.isBuffer(value))
      found.set(path, JSON.stringify(value));
    else for (const [name, inner] of Object.entries(value)) walk(inner, path === '' ? name : `${path}.${name}`);
  };
  walk(config, '');
  return found;
}
