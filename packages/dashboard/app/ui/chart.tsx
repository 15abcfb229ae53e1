import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatShort } from '../format/numbers.ts';
import { formatAbsolute, localZone } from '../format/times.ts';
import { usePreferences } from '../shell/preferences.ts';

export interface Series {
  readonly label: string;
  /** Name of a colour token: `good`, `bad`. */
  readonly tone: 'accent' | 'good' | 'warn' | 'bad' | 'info' | 'busy' | 'mute';
  readonly values: readonly (number | null)[];
  readonly kind?: 'line' | 'area' | 'bars';
}

export interface ChartProps {
  /** The subject of the chart; screen readers read it with the last values. */
  readonly label: string;
  /** Moments in milliseconds, one for each value. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** In pixels. */
  readonly height?: number;
  readonly format?: (value: number) => string;
  /** Marks a part of the time that the reader has dragged over, in milliseconds. */
  readonly onSelect?: (from: number, to: number) => void;
}

/** Values over time. The lines are drawn on a canvas, so there are a legend and a summary next to it as text. */
export function Chart({ label, times, series, height = 180, format = formatShort, onSelect }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const { theme, zone } = usePreferences();
  const selected = useRef(onSelect);
  selected.current = onSelect;
  const shape = series.map((one) => `${one.label}:${one.tone}:${one.kind ?? 'line'}`).join('|');
  const plot = useRef<uPlot | null>(null);
  const data: uPlot.AlignedData = [times.map((at) => at / 1_000), ...series.map(({ values }) => [...values])];
  const latest = useRef({ data, series, format });
  latest.current = { data, series, format };

  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new shape or colour makes a new chart
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const style = getComputedStyle(element);
    const colour = (name: string): string => resolve(element, `var(--${name})`);
    const axis = {
      stroke: colour('text-soft'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
      font: `11px ${style.fontFamily}`,
    };
    const bars = uPlot.paths.bars?.({ size: [0.7, 24] });
    const made = new uPlot(
      {
        width: Math.max(element.clientWidth, 200),
        height,
        legend: { show: false },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1_000), zone === 'utc' ? 'Etc/UTC' : localZone),
        cursor: { y: false, drag: { x: selected.current !== undefined, y: false, setScale: false } },
        scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
        axes: [
          { ...axis, size: 28, values: (chart, marks) => timeMarks(chart, marks, zone) },
          { ...axis, size: 52, values: (_, values) => values.map((value) => latest.current.format(value)) },
        ],
        series: [
          {},
          ...latest.current.series.map(
            ({ label: name, tone, kind }): uPlot.Series => ({
              label: name,
              stroke: colour(tone),
              width: 1.5,
              // A minute without a job is no break in a line of waits.
              spanGaps: true,
              points: { size: 5, filter: alone },
              ...(kind === 'area' && { fill: colour(`${tone}-soft`) }),
              ...(kind === 'bars' && bars !== undefined && { paths: bars, fill: colour(tone), width: 0 }),
            }),
          ),
        ],
        hooks: {
          setSelect: [
            (chart) => {
              const { left, width } = chart.select;
              if (width < 4) return;
              selected.current?.(chart.posToVal(left, 'x') * 1_000, chart.posToVal(left + width, 'x') * 1_000);
              chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      latest.current.data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(element.clientWidth, 200), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, height, theme, zone]);

  useEffect(() => {
    plot.current?.setData(latest.current.data);
  });

  const summary = series
    .map(({ label: name, values }) => `${name} ${lastOf(values) === null ? 'none' : format(lastOf(values) ?? 0)}`)
    .join(', ');
  return (
    <figure>
      <div ref={place} className="chart" style={{ height }} role="img" aria-label={`${label}. Latest: ${summary}`} />
      <ul className="legend">
        {series.map(({ label: name, tone }) => (
          <li key={name}>
            <i style={{ background: `var(--${tone})` }} />
            {name}
          </li>
        ))}
      </ul>
    </figure>
  );
}

function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** A single value is no line; a point shows it. */
function alone({ data }: uPlot, index: number): number[] {
  const values = data[index] ?? [];
  const known = [...values.keys()].filter((at) => values[at] !== null && values[at] !== undefined);
  return known.length === 1 ? known : [];
}

/** Hours and minutes where the chart shows a day or less, else days. */
function timeMarks({ scales }: uPlot, marks: readonly number[], zone: 'local' | 'utc'): string[] {
  const { min = 0, max = 0 } = scales.x ?? {};
  const isLong = ((max ?? 0) - (min ?? 0)) * 1_000 > 36 * 3_600_000;
  return marks.map((mark) => {
    const [day = '', time = ''] = formatAbsolute(mark * 1_000, zone === 'utc' ? 'UTC' : localZone).split(' ');
    return isLong ? day.slice(5) : time.slice(0, 5);
  });
}

/** A canvas takes no `light-dark()`. */
function resolve(element: HTMLElement, value: string): string {
  const probe = document.createElement('span');
  probe.style.color = value;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
