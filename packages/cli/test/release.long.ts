import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { prepare, publish } from '../../../scripts/release.ts';
import { packed } from '../../sdk/test/package/project.ts';

test('a release is prepared and tried without publishing: notes, SBOM, checksums, npm publish --dry-run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-release-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const tarballs = Object.values(await packed());
  for (const path of tarballs) cpSync(path, join(folder, basename(path)));

  const files = await prepare('v0.1.0', folder, true);
  expect(files.toSorted()).toEqual(readdirSync(folder).toSorted());
  expect(readFileSync(join(folder, 'notes.md'), 'utf8')).toContain('The first release');
  const { components } = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8'));
  const named = components.map(({ name, version }: { name: string; version: string }) => `${name} ${version}`);
  expect(named).toEqual(expect.arrayContaining(['@ojs-ts/server 0.1.0', 'pino 10.4.0']));

  expect(await publish('v0.1.0', folder, ['--dry-run'])).toEqual(
    expect.arrayContaining(['@ojs-ts/core', '@ojs-ts/sdk', 'create-ojs-ts']),
  );
  writeFileSync(join(folder, 'notes.md'), 'other notes');
  await expect(publish('v0.1.0', folder, ['--dry-run'])).rejects.toThrow('notes.md has changed');
}, 900_000);
