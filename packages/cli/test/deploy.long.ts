import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, matchesGlob, relative, resolve } from 'node:path';
import { checkVariables } from '@ojs-ts/core';
import { operationNames, operations, pathOf, routesOf } from '@ojs-ts/core/operations';
import { serverOptions, serverVariables } from '@ojs-ts/core/options';
import type { Deployment } from 'kubernetes-types/apps/v1.d.ts';
import type { Service as KubernetesService, Secret } from 'kubernetes-types/core/v1.d.ts';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { Child, freePort } from './support/processes.ts';

// What stands in Dockerfile, compose files and deploy/ is checked against the sources, without a container engine.

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** Its type is what the caller says: the tests look at what they read. */
const yaml = (file: string) => parse(read(file), { merge: true });

interface Service {
  readonly build?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: object;
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** The variables that the server reads. */
const known = new Set(serverVariables);
/** Paths that are open: a probe has no token. */
const open = new Set(
  operationNames.flatMap((name) =>
    operations[name].right === 'open'
      ? routesOf(name).flatMap(({ method, path }) => (method === 'GET' ? [path] : []))
      : [],
  ),
);
/** Seconds. */
const closeTimeout = serverOptions.closeTimeoutMs.fallback / 1_000;

interface Kustomization {
  readonly resources: readonly string[];
  readonly images: readonly { readonly name: string; readonly newTag: string }[];
}

interface Resource {
  readonly kind: string;
  readonly apiVersion: string;
}

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

interface Stage {
  /** Empty for the last. */
  readonly name: string;
  /** The image or the stage that it continues. */
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

interface Copy {
  /** The stage that has the sources; null for the build context. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

/** The stages of the Dockerfile, without comments and with their lines joined. */
function readStages(): readonly Stage[] {
  const lines = read('Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const found: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') {
      const [base = '', , stage = ''] = rest.split(/\s+/);
      found.push({ name: stage, base, instructions: [] });
    } else found.at(-1)?.instructions.push({ name, rest });
  }
  return found;
}

const stages = readStages();
const final = stages.at(-1);
const only = (name: string) => (final?.instructions ?? []).filter((one) => one.name === name).map(({ rest }) => rest);
const environment = Object.fromEntries(
  only('ENV')
    .flatMap((rest) => rest.split(/\s+/))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const),
);

function copiesOf({ instructions }: Stage): readonly Copy[] {
  return instructions
    .filter(({ name }) => name === 'COPY')
    .map(({ rest }) => {
      const words = rest.split(/\s+/);
      const [, from] = /^--from=(.*)$/.exec(words[0] ?? '') ?? [];
      return { from: from ?? null, sources: words.slice(from === undefined ? 0 : 1, -1), target: words.at(-1) ?? '' };
    });
}

const fromContext = stages.flatMap(copiesOf).filter(({ from }) => from === null);
const packageNames = ['core', 'dashboard', 'server', 'cli'];

/** The packages as npm would place them; those of this repository are the copies. */
function linkModules(folder: string): void {
  mkdirSync(join(folder, 'node_modules/@ojs-ts'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@ojs-ts') symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const name of packageNames) symlinkSync(`../../packages/${name}`, join(folder, 'node_modules/@ojs-ts', name));
}

/** Fills a folder as a stage does, with the packages of this machine in place of those that npm would install. */
function makeStage(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ojs-image-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const stage = stages.find((one) => one.name === name);
  if (stage === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  const base = stages.find((one) => one.name === stage.base);
  const others = new Map<string, string>();
  for (const { from, sources, target } of [...(base === undefined ? [] : copiesOf(base)), ...copiesOf(stage)]) {
    for (const source of sources) {
      const into = target.endsWith('/') ? join(folder, target, basename(source)) : join(folder, target);
      // What npm installed.
      if (source.endsWith('node_modules')) continue;
      if (from !== null && !others.has(from)) others.set(from, makeStage(from));
      const origin = from === null ? join(root, source) : join(others.get(from) ?? '', source.replace('/app/', ''));
      mkdirSync(dirname(into), { recursive: true });
      cpSync(origin, into, { recursive: true, filter: (path) => !isIgnored(relative(root, path)) });
    }
  }
  linkModules(folder);
  for (const { name: word, rest } of stage.instructions) {
    const [program = '', ...args] = rest.split(' ');
    if (word === 'RUN' && program === 'node') execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe' });
  }
  return folder;
}

const ignored = read('.dockerignore').split('\n');

/** Whether Docker leaves a path out of the build context. */
function isIgnored(path: string): boolean {
  return ignored.some((pattern) => pattern !== '' && !pattern.startsWith('#') && matchesGlob(path, pattern));
}

describe('Dockerfile', () => {
  test('the Dockerfile copies every workspace and every lock file, and nothing that is missing', () => {
    const missing = fromContext.flatMap(({ sources }) => sources).filter((source) => !existsSync(join(root, source)));
    expect(missing).toEqual([]);
    const { workspaces }: { readonly workspaces: readonly string[] } = JSON.parse(read('package.json'));
    const folders = workspaces.flatMap((name) =>
      name.endsWith('/*') ? readdirSync(join(root, dirname(name))).map((one) => join(dirname(name), one)) : [name],
    );
    const first = new Set(
      stages
        .slice(0, 1)
        .flatMap(copiesOf)
        .flatMap(({ sources }) => sources),
    );
    expect(folders.filter((folder) => !first.has(`${folder}/package.json`))).toEqual([]);
  });

  test('the last stage runs as an unprivileged user, stops on SIGTERM, stores data in a volume and has a health check', () => {
    expect(only('USER')).toEqual(['node']);
    expect(only('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(only('VOLUME')).toEqual(['/data']);
    expect(environment.OJS_STORAGE).toBe('sqlite:/data/ojs.db');
    expect(only('EXPOSE')).toEqual([environment.OJS_PORT]);
    expect(Object.keys(environment).filter((name) => name.startsWith('OJS_') && !known.has(name))).toEqual([]);
    expect(only('HEALTHCHECK')).toHaveLength(1);
    expect(read('packages/server/package.json')).toContain('"node": "^22.19.0 || >=23.4.0"');
    expect(stages.filter(({ base }) => !stages.some(({ name }) => name === base)).map(({ base }) => base)).toEqual([
      'node:24-bookworm-slim',
      'node:24-bookworm-slim',
    ]);
  });

  test('the copied and built files start a server with a dashboard, whose health check passes while it runs and fails afterwards', async () => {
    const image = makeStage('');
    const port = String(await freePort());
    const env = {
      ...environment,
      OJS_PORT: port,
      OJS_STORAGE: `sqlite:${join(image, 'ojs.db')}`,
      OJS_TOKEN: 'a-long-secret',
    };
    const [entry = [], command = []]: readonly (readonly string[])[] = [...only('ENTRYPOINT'), ...only('CMD')].map(
      (text) => JSON.parse(text),
    );
    // `node`, its flags, the program.
    const flags = { NODE_OPTIONS: entry.slice(1, -1).join(' ') };
    await using server = new Child(join(image, entry.at(-1) ?? ''), command, { ...env, ...flags });
    await server.line(/listening/);
    const check: readonly string[] = JSON.parse(/CMD (\[.*\])$/.exec(only('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]');
    expect(check[0]).toBe('node');
    const healthy = () =>
      new Promise<boolean>((answer) => {
        execFile(process.execPath, check.slice(1), { env: { ...process.env, ...env } }, (error) =>
          answer(error === null),
        );
      });
    expect(await healthy()).toBe(true);
    const dashboard = `http://127.0.0.1:${port}/dashboard/`;
    const page = await (await fetch(dashboard)).text();
    const [, main = 'none'] = /<script [^>]*src="([^"]+)"/.exec(page) ?? [];
    const script = await fetch(new URL(main, dashboard));
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
    expect(await server.end('SIGTERM')).toBe(0);
    expect(await healthy()).toBe(false);
  });
});

describe.each(['compose.yaml', 'compose.quickstart.yaml'])('%s', (file) => {
  const { services, volumes }: Compose = yaml(file);
  const servers = Object.entries(services).filter(([, service]) => service.build !== undefined);

  test('the compose file names only variables that the server reads, its ports, and declared volumes', () => {
    expect(servers.length).toBeGreaterThan(0);
    for (const [, { environment: given, ports }] of servers) {
      expect(Object.keys(given ?? {}).filter((name) => !known.has(name))).toEqual([]);
      for (const port of ports ?? []) expect(port).toMatch(new RegExp(`:${environment.OJS_PORT}$`));
    }
    const mounted = Object.values(services).flatMap((service) =>
      (service.volumes ?? []).map((one) => one.split(':')[0]),
    );
    expect(mounted.toSorted()).toEqual(Object.keys(volumes).toSorted());
  });

  test('a server without a token is published on loopback only, and gets enough time to stop', () => {
    for (const [name, service] of servers) {
      const given = service.environment ?? {};
      if (!('OJS_TOKEN' in given)) {
        expect(given.OJS_INSECURE).toBe('true');
        for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:/);
      }
      expect(Number.parseInt(service.stop_grace_period ?? '', 10)).toBeGreaterThan(closeTimeout);
    }
  });

  test('a server waits for its store, which persists every write and never evicts', () => {
    for (const [, { environment: given, depends_on: waits }] of servers) {
      const [, host] = /^(?:postgres|redis):\/\/(?:[^@]*@)?([a-z]+)/.exec(given?.OJS_STORAGE ?? '') ?? [];
      if (host === undefined) continue;
      expect(waits?.[host]?.condition).toBe('service_healthy');
      expect(services[host]?.healthcheck).toBeDefined();
      expect(services[host]?.volumes).toHaveLength(1);
      if (host === 'redis')
        expect(services.redis?.command?.join(' ')).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/);
    }
  });
});

describe('deploy/kubernetes', () => {
  const folder = 'deploy/kubernetes';
  const { resources, images }: Kustomization = yaml(`${folder}/kustomization.yaml`);
  const secret: Secret = yaml(`${folder}/secret.yaml`);
  const deployment: Deployment = yaml(`${folder}/deployment.yaml`);
  const service: KubernetesService = yaml(`${folder}/service.yaml`);
  const budget: PodDisruptionBudget = yaml(`${folder}/pod-disruption-budget.yaml`);
  const pod = deployment.spec?.template?.spec;
  const container = pod?.containers?.[0];

  test('the kustomization names every manifest of the folder, and replaces the image of the deployment', () => {
    expect(readdirSync(join(root, folder)).toSorted()).toEqual([...resources, 'kustomization.yaml'].toSorted());
    expect(images.map(({ name, newTag }) => `${name}:${newTag}`)).toEqual([container?.image]);
  });

  test('every field is one that the API of Kubernetes has, of its type', () => {
    const types: { readonly [kind: string]: string } = {
      Secret: 'core/v1',
      Service: 'core/v1',
      Deployment: 'apps/v1',
      PodDisruptionBudget: 'policy/v1',
    };
    const directory = mkdtempSync(join(tmpdir(), 'ojs-kubernetes-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    const compile = (name: string, objects: readonly Resource[]) => {
      const text = objects.map((object, index) => {
        const { kind, apiVersion } = object;
        return `import type { ${kind} as Kind${index} } from 'kubernetes-types/${types[kind]}.d.ts';
          export const version${index}: Kind${index}['apiVersion'] = '${apiVersion}'; export const object${index}: Kind${index} = ${JSON.stringify(object)};`;
      });
      writeFileSync(join(directory, name), text.join('\n'));
      const args = [
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--types',
        '',
        '--module',
        'nodenext',
        '--target',
        'esnext',
        name,
      ];
      execFileSync(join(root, 'node_modules/.bin/tsc'), args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
    };
    const objects: readonly Resource[] = resources.map((name) => yaml(`${folder}/${name}`));
    expect(objects.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(types).toSorted());
    compile('right.ts', [...objects, yaml('deploy/worker/deployment.yaml')]);
    const misspelt = JSON.parse(
      JSON.stringify(objects).replace('terminationGracePeriodSeconds', 'terminationGracePeriod'),
    );
    expect(() => compile('wrong.ts', misspelt)).toThrow();
  });

  test('the manifests set only variables that the server reads, reference declared secrets, and probe open paths', () => {
    const [port] = container?.ports ?? [];
    expect(String(port?.containerPort)).toBe(environment.OJS_PORT);
    for (const { name, valueFrom } of container?.env ?? []) {
      expect(known).toContain(name);
      const key = valueFrom?.secretKeyRef;
      if (!key) continue;
      expect(key.name).toBe(secret.metadata?.name);
      expect(Object.keys(secret.stringData ?? {})).toContain(key.key);
    }
    for (const probe of [container?.startupProbe, container?.readinessProbe, container?.livenessProbe]) {
      expect(open).toContain(probe?.httpGet?.path);
      expect(probe?.httpGet?.port).toBe(port?.name);
    }
    // A server whose store is away is not made better by a restart.
    expect(container?.livenessProbe?.httpGet?.path).toBe(pathOf('system.manifest'));
    expect(container?.readinessProbe?.httpGet?.path).toBe(pathOf('system.health'));
    expect(service.spec?.ports?.[0]?.targetPort).toBe(port?.name);
  });

  test('a pod has time to drain, and one of several always stays', () => {
    const pause = Number(container?.lifecycle?.preStop?.exec?.command?.[1]);
    expect(pause).toBeGreaterThan(0);
    expect(Number(pod?.terminationGracePeriodSeconds)).toBeGreaterThan(pause + closeTimeout);
    const labels = deployment.spec?.selector?.matchLabels;
    expect(deployment.spec?.template?.metadata?.labels).toEqual(labels);
    for (const selector of [service.spec?.selector, budget.spec?.selector?.matchLabels])
      expect(selector).toEqual(labels);
    expect(Number(deployment.spec?.replicas)).toBeGreaterThan(Number(budget.spec?.minAvailable));
    expect(pod?.securityContext?.runAsNonRoot).toBe(true);
    expect(pod?.enableServiceLinks).toBe(false);
  });
});

/** Seconds that a worker needs on SIGTERM: for running jobs, and for their outcomes. */
const workerNeeds = 25 + 10;

describe('deploy/worker', () => {
  const { spec }: Deployment = yaml('deploy/worker/deployment.yaml');
  const pod = spec?.template.spec;
  const [container] = pod?.containers ?? [];

  test('the deployment of a worker sets only variables that the SDK reads, and leaves jobs the time to end', () => {
    const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value ?? 'secret']));
    expect(Object.keys(env)).toEqual(['OJS_BACKEND_URL', 'OJS_AUTH_TOKEN', 'OJS_SHUTDOWN_TIMEOUT']);
    expect(checkVariables(env)).toEqual({ misspelled: [], unknown: [] });
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(env.OJS_SHUTDOWN_TIMEOUT) + 10);
    expect(spec?.template.metadata?.labels).toEqual(spec?.selector.matchLabels);
    expect([pod?.securityContext?.runAsNonRoot, pod?.enableServiceLinks]).toEqual([true, false]);
  });

  test('the page about deployments shows the Dockerfile of a new project', () => {
    const [, shown = ''] = /```dockerfile\n([\s\S]*?)```/.exec(read('docs/operate/deploy.md')) ?? [];
    const lines = read('packages/cli/templates/common/Dockerfile').split('\n');
    expect(shown.split('\n').filter((line) => !lines.includes(line))).toEqual([]);
    expect(shown).toContain('CMD');
  });
});

const analyze = (...args: readonly string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });

describe.each([
  { name: 'ojs', needs: closeTimeout, args: ['node_modules/.bin/ojs', 'serve'] },
  { name: 'ojs-worker', needs: workerNeeds, args: ['src/worker.ts'] },
])('deploy/systemd/$name.service', ({ name, needs, args }) => {
  const unit = read(`deploy/systemd/${name}.service`);
  const values = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);

  test('the unit starts node itself, with variables that the program reads, and waits until it has stopped', () => {
    expect(values('ExecStart')).toEqual([['/usr/bin/node', ...args].join(' ')]);
    expect(Number(values('TimeoutStopSec')[0])).toBeGreaterThanOrEqual(needs);
    const names = values('Environment').flatMap((line) => line.split(' ').map((pair) => pair.split('=')[0] ?? ''));
    expect(names.filter((variable) => variable.startsWith('OJS_') && !known.has(variable))).toEqual([]);
  });

  test.skipIf(analyze('--version').status !== 0)('systemd knows every key of the unit', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ojs-unit-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    // systemd refuses a program that is not on this machine.
    const here = unit.replace('/usr/bin/node', process.execPath).replaceAll('ojs.service', 'network.target');
    const verify = (text: string) => {
      writeFileSync(join(directory, 'unit.service'), text);
      const { status, stderr } = analyze('verify', '--man=no', join(directory, 'unit.service'));
      return [status, stderr];
    };
    expect(verify(here)).toEqual([0, '']);
    expect(verify(here.replace('TimeoutStopSec', 'TimeoutStopSecs'))[1]).toContain('TimeoutStopSecs');
  });
});
