import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { listOptions, type Option, serverOptions } from '@ojs-ts/core/options';
import { expect, test } from 'vitest';
import { readConfig } from '../../server/src/config.ts';
import { selfSigned } from '../../server/test/support/certificate.ts';

const options = listOptions(serverOptions);

/** The table of docs/reference/server.md, without links and code marks: flag, variable, default and text. */
const documented = readFileSync(resolve(import.meta.dirname, '../../../docs/reference/server.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `--'))
  .map((line) => line.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', ''))
  .map((line) => line.split('|').slice(1, 5));

test('docs/reference/server.md lists every option with its flag, variable, default and help, and may say more', () => {
  const rows = documented.map((cells) => cells.map((cell) => cell.trim()));
  const expected = options.map((option) => {
    const { flag, variable, help } = option;
    const said = rows.find((cells) => cells[1] === variable)?.[3] ?? '';
    return [flag.split(' ')[0], variable, defaultOf(option), said.startsWith(help) ? said : help];
  });
  expect(rows).toEqual(expected);
});

function defaultOf({ fallback, defaultText }: Option<unknown>): string {
  return typeof fallback === 'boolean' ? String(fallback) : (defaultText ?? 'none');
}

test('each variable and flag belongs to one option', () => {
  expect(new Set(options.map(({ variable }) => variable)).size).toBe(options.length);
  expect(new Set(options.map(({ flag }) => flag)).size).toBe(options.length);
});

test('bad-values.txt has bad values for every option', () => {
  const text = readFileSync(join(import.meta.dirname, 'bad-values.txt'), 'utf8');
  const names = new Set<string | undefined>(text.match(/(?<= {2})--[\w-]+/g));
  expect(options.map(({ flag }) => flag.split(' ')[0]).filter((name) => !names.has(name))).toEqual([]);
});

test('each variable changes what the server uses, and its setting', () => {
  const { certFile, keyFile } = selfSigned();
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'ojs-tokens-')), 'tokens');
  writeFileSync(tokenFile, 'long-enough', { mode: 0o600 });
  const samples: Readonly<Record<string, string>> = {
    OJS_STORAGE: 'memory:',
    OJS_HOST: 'localhost',
    OJS_TOKEN: 'long-enough',
    OJS_TOKEN_FILE: tokenFile,
    OJS_ALLOWED_ORIGINS: 'http://a',
    OJS_DOCS_URL: 'https://docs.example.com/',
    OJS_PROXIES: '10.0.0.7',
    OJS_HISTORY_RETENTION: 'queue=mail:2d',
    OJS_LOG_JOBS: '1/10',
  };
  const plain = readConfig({}, {});
  for (const option of options) {
    const { variable, fallback, choices = [] } = option;
    const candidates = [samples[variable], String(fallback !== true), choices.at(-1), '7', '7s', '5/1s'];
    const text = candidates.find((one) => one !== undefined && option.value(option.given(one)) !== null) ?? '';
    const isTls = variable.startsWith('OJS_TLS_');
    const env = isTls ? { OJS_TLS_CERT_FILE: certFile, OJS_TLS_KEY_FILE: keyFile } : { [variable]: text };
    const { settings, warnings: _, ...changed } = readConfig({}, env);
    const name = variable.slice('OJS_'.length).toLowerCase();
    expect(settings[name], variable).toMatchObject({ origin: 'environment', variable });
    expect(settings[name]?.value, variable).not.toEqual(plain.settings[name]?.value);
    expect(changed, variable).not.toEqual({ ...plain, settings: undefined, warnings: undefined });
  }
});
