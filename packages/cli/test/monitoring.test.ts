// The Grafana dashboard, the alert rules and docs/reference/metrics.md against what a real server answers at /metrics.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metricsIn, type Series, seriesIn } from '../../server/test/support/metrics.ts';
import { busyServer, scrape } from './support/busy-server.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(resolve(root, file), 'utf8');

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

const rules: Rules = parse(read('deploy/prometheus/rules.yaml'));
const dashboard: Dashboard = JSON.parse(read('deploy/grafana/ojs.json'));
const page = read('docs/reference/metrics.md');
const alerts = rules.groups.flatMap((group) => group.rules);
const expressions: readonly (readonly [where: string, expr: string])[] = [
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
];

let types: ReadonlyMap<string, string>;
let series: readonly Series[];
beforeAll(async () => {
  await using server = await busyServer();
  const text = await scrape(server);
  types = metricsIn(text);
  series = seriesIn(text);
});

/** The metric that a series belongs to. */
function metricOf(name: string): string {
  return types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
}

const named = (expr: string) => [...expr.matchAll(/\b(?:ojs|http_server|nodejs|process)_\w+/g)].map(([name]) => name);

describe('expressions', () => {
  test('there are some', () => {
    expect(alerts.length).toBeGreaterThan(8);
    expect(expressions.length).toBeGreaterThan(30);
  });

  test.each(expressions)('%s names metrics of the server, and their labels', (_, expr) => {
    // Of Prometheus itself.
    const names = expr.startsWith('up{') ? [] : named(expr);
    if (!expr.startsWith('up{')) expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !types.has(metricOf(name)))).toEqual([]);
    const labels = [...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"|\b(?:by|on) \(([^)]*)\)/g)].flatMap(
      ([, one = '', list = '']) => [one, ...list.split(/,\s*/)].filter((label) => label !== ''),
    );
    const metrics = new Set(names.map(metricOf));
    const known = series.filter(({ name }) => metrics.has(metricOf(name))).flatMap((one) => Object.keys(one.labels));
    expect(labels.filter((label) => !['instance', 'job', 'le', ...known].includes(label))).toEqual([]);
  });

  test('a histogram is asked by its buckets or its count', () => {
    for (const [where, expr] of expressions)
      for (const name of named(expr))
        if (types.get(metricOf(name)) === 'histogram')
          expect([where, name]).toEqual([where, expect.stringMatching(/_(bucket|count|sum)$/)]);
  });

  test('the variable of the dashboard reads a metric', () => {
    const queue = dashboard.templating.list.find(({ name }) => name === 'queue');
    expect(named(JSON.stringify(queue)).map((name) => types.has(name))).toEqual([true]);
  });
});

describe('docs/reference/metrics.md', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\| ([^|]+) \|$/gm)].map(
    ([, name = '', kind = '', labels = '']) => ({
      name,
      kind,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
    }),
  );

  test('has every metric with its type, and nothing else', () => {
    expect(Object.fromEntries(rows.map(({ name, kind }) => [name, kind]))).toEqual(Object.fromEntries(types));
  });

  test.each(rows)('has the labels of $name', ({ name, labels }) => {
    const found = series.filter((one) => metricOf(one.name) === name);
    for (const one of found) expect(Object.keys(one.labels).filter((label) => label !== 'le')).toEqual(labels);
  });

  test('explains every alert', () => {
    const explained = [...page.matchAll(/^\| `(Ojs\w+)` \|/gm)].map(([, alert]) => alert);
    expect(explained).toEqual(alerts.map(({ alert }) => alert));
  });
});
