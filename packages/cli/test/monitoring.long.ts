// Debian's `promtool` and `prometheus` read what a server answers and what deploy/prometheus has.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { storages } from '../../server/test/support/storages.ts';
import { busyServer, scrape } from './support/busy-server.ts';
import { freePort } from './support/processes.ts';

const folder = resolve(import.meta.dirname, '../../../deploy/prometheus');

function promtool(args: readonly string[], input = ''): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { input, encoding: 'utf8', cwd: folder });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

test('the rules are valid', () => {
  const { status, output } = promtool(['check', 'rules', 'rules.yaml']);
  expect([status, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

test('the rules alert when they should', () => {
  const { status, output } = promtool(['test', 'rules', 'rules.test.yaml']);
  expect([status, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

describe.each(storages)('on $name', ({ url }) => {
  test('the metrics are valid, and named as they should be', async () => {
    await using server = await busyServer(url());
    const text = await scrape(server);
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' });
  });
});

test('a wrong line is found', async () => {
  const { status } = promtool(['check', 'metrics'], '# TYPE jobs counter\njobs{a="1"} 1\njobs{a="1"} 2\n');
  expect(status).not.toBe(0);
});

interface Targets {
  readonly data: { readonly activeTargets: readonly { readonly health: string; readonly lastError: string }[] };
}

interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

test('Prometheus scrapes a server as OpenMetrics, and evaluates the rules', async () => {
  await using server = await busyServer();
  const directory = mkdtempSync(join(tmpdir(), 'ojs-prometheus-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const { host } = new URL(server.url);
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(folder, 'rules.yaml')],
    scrape_configs: [{ job_name: 'ojs', static_configs: [{ targets: [host] }] }],
  };
  // JSON is YAML.
  writeFileSync(join(directory, 'prometheus.yml'), JSON.stringify(config));
  const url = `http://127.0.0.1:${port}/api/v1`;
  const prometheus = spawn('prometheus', [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ]);
  const ended = new Promise((done) => prometheus.once('close', done));
  onTestFinished(async () => {
    prometheus.kill('SIGKILL');
    await ended;
  });
  /** Of the form that the caller says. */
  const get = async <T>(path: string): Promise<T> => JSON.parse(await (await fetch(`${url}${path}`)).text());
  const options = { timeout: 60_000, interval: 100 };
  await vi.waitFor(async () => {
    const { data } = await get<Targets>('/targets');
    expect(data.activeTargets).toMatchObject([{ health: 'up', lastError: '' }]);
  }, options);
  const value = async (query: string) => {
    const { data } = await get<Answer>(`/query?query=${encodeURIComponent(query)}`);
    return data.result.map((one) => Number(one.value[1]));
  };
  await vi.waitFor(async () => {
    expect(await value('ojs_job_completed_total{queue="mail",type="email.send"}')).toEqual([1]);
    // In OpenMetrics a bound is a float.
    expect(await value('ojs_job_queue_time_seconds_bucket{le="300.0"}')).toEqual([3]);
  }, options);
  await vi.waitFor(async () => {
    const { data } = await get<{
      readonly data: { readonly groups: readonly { readonly rules: readonly object[] }[] };
    }>('/rules');
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules).toHaveLength(11);
    for (const rule of rules) expect(rule).toMatchObject({ health: 'ok' });
  }, options);
});
