import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyCharacter } from '../../../../core/test/support/text.ts';
import { exposition, type Format } from '../../../src/binding/metrics/exposition.ts';
import type { Family } from '../../../src/engine/telemetry/series.ts';

const families: readonly Family[] = [
  {
    name: 'a_total',
    help: 'Back\\slash and\nline',
    kind: 'counter',
    samples: [{ labels: { q: 'say "x"\n\\' }, value: 3 }],
  },
  { name: 'b_bytes', help: 'A gauge', kind: 'gauge', samples: [{ labels: {}, value: Number.POSITIVE_INFINITY }] },
  {
    name: 'c_seconds',
    help: 'A "histogram"',
    kind: 'histogram',
    bounds: [0.5, 1],
    samples: [{ labels: { q: 'x' }, cumulative: [1, 1, 2], sum: 7.25 }],
  },
  { name: 'd', help: 'Nothing yet', kind: 'gauge', samples: [] },
];

const textOf = (shown: readonly Family[], format: Format) => [...exposition(shown, format)].join('');

test('the text format of Prometheus', () => {
  expect(textOf(families, 'text')).toBe(`# HELP a_total Back\\\\slash and\\nline
# TYPE a_total counter
a_total{q="say \\"x\\"\\n\\\\"} 3
# HELP b_bytes A gauge
# TYPE b_bytes gauge
b_bytes +Inf
# HELP c_seconds A "histogram"
# TYPE c_seconds histogram
c_seconds_bucket{q="x",le="0.5"} 1
c_seconds_bucket{q="x",le="1"} 1
c_seconds_bucket{q="x",le="+Inf"} 2
c_seconds_sum{q="x"} 7.25
c_seconds_count{q="x"} 2
# HELP d Nothing yet
# TYPE d gauge
`);
});

test('OpenMetrics: counters without their suffix, units, bounds as floats, an end', () => {
  expect(textOf(families, 'openmetrics')).toBe(`# HELP a Back\\\\slash and\\nline
# TYPE a counter
a_total{q="say \\"x\\"\\n\\\\"} 3
# HELP b_bytes A gauge
# TYPE b_bytes gauge
# UNIT b_bytes bytes
b_bytes +Inf
# HELP c_seconds A \\"histogram\\"
# TYPE c_seconds histogram
# UNIT c_seconds seconds
c_seconds_bucket{q="x",le="0.5"} 1
c_seconds_bucket{q="x",le="1.0"} 1
c_seconds_bucket{q="x",le="+Inf"} 2
c_seconds_sum{q="x"} 7.25
c_seconds_count{q="x"} 2
# HELP d Nothing yet
# TYPE d gauge
# EOF
`);
});

test('every label value stays on its line and can be read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (value) => {
      const text = textOf(
        [{ name: 'm', help: '', kind: 'gauge', samples: [{ labels: { l: value }, value: 1 }] }],
        'text',
      );
      const lines = text.split('\n');
      expect(lines).toHaveLength(4);
      const [, inside = ''] = /^m\{l="((?:[^"\\]|\\.)*)"\} 1$/s.exec(lines[2] ?? '') ?? [];
      expect(inside.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one))).toBe(value);
    }),
  );
});

test('a long text comes in pieces, and samples are made when their piece is asked for', () => {
  let made = 0;
  function* samples() {
    for (; made < 10_000; made++) yield { labels: { n: String(made) }, value: 1 };
  }
  const pieces = exposition([{ name: 'm', help: '', kind: 'gauge', samples: samples() }], 'text');
  const { value: first } = pieces.next();
  expect(made).toBeLessThan(6_000);
  const rest = [...pieces];
  for (const piece of [first ?? '', ...rest]) expect(piece.length).toBeLessThan(66_000);
  expect([first, ...rest].join('').match(/^m\{n="\d+"\} 1$/gm)).toHaveLength(10_000);
});
