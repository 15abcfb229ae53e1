// `npm run release -- v0.1.0` prepares a release in the folder `release`: packages, notes, SBOM, site and checksums, and
// asks npm what it would publish. `--dry-run` accepts a changelog that still says (unreleased). `--publish` publishes
// what the folder contains: after `npm login`, or with a token. `--provenance` is for the workflow.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { allPackages, pack } from './pack.ts';
import { readNotes } from './release-notes.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const sums = 'SHA256SUMS';

const tarballs = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.tgz'));
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Writes notes, SBOM and checksums beside the packages of a folder. Returns the names of all its files. */
export async function prepare(tag: string, folder: string, isDry: boolean): Promise<string[]> {
  writeFileSync(join(folder, 'notes.md'), `${readNotes(tag, isDry)}\n`);
  writeFileSync(join(folder, 'sbom.cdx.json'), await sbom(tag, folder));
  const files = readdirSync(folder).filter((name) => name !== sums);
  writeFileSync(join(folder, sums), files.map((name) => `${digest(join(folder, name))}  ${name}\n`).join(''));
  return [...files, sums];
}

/** Everything that an installation of the packages contains, as CycloneDX. */
async function sbom(tag: string, folder: string): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'ojs-sbom-'));
  try {
    const manifest = { name: 'ojs-ts', version: tag.replace(/^v/, ''), private: true };
    writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
    const files = tarballs(folder).map((name) => join(folder, name));
    await run(npm, ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...files], { cwd });
    const args = ['sbom', '--sbom-format=cyclonedx', '--omit=dev'];
    return (await run(npm, args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/**
 * Publishes the packages of a prepared folder, each after those that it needs, and leaves out those that npm has. Returns
 * the packages that it published.
 * @throws if a file is not the one whose checksum was written.
 */
export async function publish(tag: string, folder: string, options: readonly string[]): Promise<string[]> {
  for (const line of readFileSync(join(folder, sums), 'utf8').trim().split('\n')) {
    const [expected = '', name = ''] = line.split('  ');
    if (digest(join(folder, name)) !== expected) throw new Error(`${name} has changed since ${sums} was written`);
  }
  const version = tag.replace(/^v/, '');
  const published: string[] = [];
  for (const name of allPackages) {
    const title = name === 'create' ? 'create-ojs-ts' : `@ojs-ts/${name}`;
    const file = join(folder, `${title.replace('@', '').replace('/', '-')}-${version}.tgz`);
    const isDry = options.includes('--dry-run');
    if (!existsSync(file) || (!isDry && (await isOnNpm(`${title}@${version}`)))) continue;
    await run(npm, ['publish', file, '--access', 'public', ...options], { cwd: folder });
    published.push(title);
  }
  return published;
}

async function isOnNpm(spec: string): Promise<boolean> {
  return run(npm, ['view', spec, 'version']).then(
    ({ stdout }) => stdout.trim() !== '',
    () => false,
  );
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'dry-run': { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      provenance: { type: 'boolean', default: false },
    },
  });
  const [tag = ''] = positionals;
  const folder = join(root, 'release');
  if (values.publish) {
    const options = values['dry-run'] ? ['--dry-run'] : values.provenance ? ['--provenance'] : [];
    console.log(`published: ${(await publish(tag, folder, options)).join(', ') || 'nothing, npm has all of them'}`);
    return;
  }
  readNotes(tag, values['dry-run']); // A wrong tag fails before the build.
  await rm(folder, { recursive: true, force: true });
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (scripts.site !== undefined) await run(npm, ['run', 'site', '--', '--package'], { cwd: root });
  await pack(folder);
  const site = join(root, 'packages/docs/public');
  if (existsSync(site))
    await run('tar', ['-czf', join(folder, `site-${tag.replace(/^v/, '')}.tar.gz`), '-C', site, '.']);
  const files = await prepare(tag, folder, values['dry-run']);
  const tried = await publish(tag, folder, ['--dry-run']);
  console.log(`release: ${files.join(', ')}\nnpm would publish ${tried.join(', ')}\n`);
  console.log(`npm run release -- ${tag} --publish publishes them. The image: docs/internals/releasing.md.`);
}

if (import.meta.main) await main();
