export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Panel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

export interface Chart {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const width = 300;
const height = 220;
const left = 52;
const right = 12;
const top = 26;
const bottom = 38;
const header = 50;
const perRow = 3;
/** Distinct for those who do not see red and green apart. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];

/** Panels with logarithmic axes, each on its own scale, as the text of an SVG file. */
export function chartSvg({ title, panels }: Chart): string {
  const columns = Math.min(perRow, panels.length);
  const size = { width: columns * width, height: header + Math.ceil(panels.length / perRow) * height };
  const names = [...new Set(panels.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  const legend = names.map(
    (name) => `<tspan dx="12" fill="${colourOf(names, name)}">●</tspan><tspan dx="3">${escaped(name)}</tspan>`,
  );
  const body = panels.map((panel, index) => {
    const at = `${(index % perRow) * width},${header + Math.floor(index / perRow) * height}`;
    return `<g transform="translate(${at})">${panelSvg(panel, names)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="11">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="20" font-size="14">${escaped(title)}</text>
<text x="0" y="40">${legend.join('')}</text>
${body.join('\n')}
</svg>
`;
}

function panelSvg({ title, x, y, lines }: Panel, names: readonly string[]): string {
  const points = lines.flatMap((line) => line.points);
  const across = scaleOf(
    points.map((point) => point.x),
    left,
    width - right,
  );
  const up = scaleOf(
    points.map((point) => point.y),
    height - bottom,
    top,
  );
  const grid = [
    ...across.ticks.map((tick) => {
      const at = across.at(tick).toFixed(1);
      return `<path d="M${at} ${top}V${height - bottom}" stroke="#ddd"/><text x="${at}" y="${height - bottom + 14}" text-anchor="middle">${short(tick)}</text>`;
    }),
    ...up.ticks.map((tick) => {
      const at = up.at(tick).toFixed(1);
      return `<path d="M${left} ${at}H${width - right}" stroke="#ddd"/><text x="${left - 4}" y="${at}" dy="4" text-anchor="end">${short(tick)}</text>`;
    }),
  ];
  const drawn = lines.map((line) => {
    const colour = colourOf(names, line.name);
    const places = line.points.map((point) => ({ x: across.at(point.x).toFixed(1), y: up.at(point.y).toFixed(1) }));
    const dots = places.map((place) => `<circle cx="${place.x}" cy="${place.y}" r="2.5" fill="${colour}"/>`);
    const path = places.map((place) => `${place.x} ${place.y}`).join('L');
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dots.join('')}`;
  });
  const labels = `<text x="${left}" y="16" font-weight="bold">${escaped(title)}</text><text x="${width - right}" y="16" text-anchor="end">${escaped(y)}</text><text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(x)}</text>`;
  return [...grid, ...drawn, labels].join('');
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Logarithmic: from the highest 1, 2 or 5 of a decade below the values to the lowest one above them. */
export function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const real = values.filter((value) => value > 0);
  const [lowest, highest] = [Math.min(...real), Math.max(...real)];
  const steps = Array.from({ length: 24 }, (_, index) => index - 9).flatMap((power) =>
    [1, 2, 5].map((digit) => digit * 10 ** power),
  );
  const first = steps.findLast((step) => step <= lowest * 1.000_001) ?? 1;
  const last = steps.find((step) => step >= highest / 1.000_001 && step > first) ?? first * 2;
  const inside = steps.filter((step) => step >= first && step <= last);
  const decades = inside.filter((step) => Number.isInteger(Math.round(Math.log10(step) * 1_000) / 1_000));
  const share = (value: number) => Math.log(Math.max(value, first) / first) / Math.log(last / first);
  return {
    at: (value) => from + share(value) * (to - from),
    ticks: inside.length > 7 && decades.length > 1 ? decades : inside,
  };
}

function colourOf(names: readonly string[], name: string): string {
  return colours[names.indexOf(name) % colours.length] ?? '#000';
}

function short(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1_000 ? `${value / 1_000}k` : String(Number(value.toPrecision(3)));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
