import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../packages/cli/test/support/processes.ts';

const run = promisify(execFile);

/** Installed here only: nothing else of this repository needs it. */
const program = {
  private: true,
  dependencies: { verdaccio: '6.10.4' },
  // verdaccio-audit asks for the tag node-fetch@cjs. Not every registry has the tags of others.
  overrides: { 'node-fetch': '2.7.0' },
};

/** A registry on this machine. It has our packages, and takes all others from the registry that npm is configured for. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
}

/** @param tarballs our packages, a package after those that it needs. */
export async function startRegistry(tarballs: readonly string[]): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'ojs-registry-'));
  const upstream = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
  const url = `http://127.0.0.1:${await freePort()}`;
  const ours = { access: '$all', publish: '$all' };
  const config = {
    storage: join(folder, 'storage'),
    uplinks: { upstream: { url: upstream, timeout: '120s', max_fails: 100 } },
    packages: { '@ojs-ts/*': ours, 'create-ojs-ts': ours, '**': { access: '$all', proxy: 'upstream' } },
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    max_body_size: '100mb',
    log: { type: 'stdout', format: 'json', level: 'error' },
  };
  const file = join(folder, 'config.yaml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  await writeFile(join(folder, 'npmrc'), `registry=${url}/\n${url.slice('http:'.length)}/:_authToken=nobody\n`);
  await writeFile(join(folder, 'package.json'), JSON.stringify(program));
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
  const args = [join(folder, 'node_modules/verdaccio/bin/verdaccio'), '--config', file, '--listen', url];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  const registry: Registry = {
    url,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`verdaccio ended with ${child.exitCode}`);
  }
  for (const tarball of tarballs)
    await run('npm', ['publish', tarball, '--userconfig', join(folder, 'npmrc'), '--registry', url], { cwd: folder });
  return registry;
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/-/ping`).catch(() => null);
  if (answer === null) await new Promise((wake) => setTimeout(wake, 200));
  return answer?.ok ?? false;
}
