// npm run bench -- growth: what an operation costs as there is more of something else, with a bound for each curve.
import { command, namesOf, parse, whole } from '../arguments.ts';
import { describeMachine, machine } from '../machine.ts';
import { type Place, placesOf, placesUsage } from '../places.ts';
import type { Curve } from './curve.ts';
import { curveNames, curveOf } from './curves.ts';
import { type Point, pointOf } from './point.ts';
import { growthTable, type Series, verdictsOf } from './verdicts.ts';

const usage = `${placesUsage}; default sqlite,postgres,redis
--curve NAMES       ${curveNames.join(', ')}; by commas; default all
--rounds N          default 3; medians of their ratios are judged. A curve that misses a bound gets as many again
--big               the sizes that take minutes
--sizes LIST        other sizes, by commas; the first and the last one are compared
--json              one JSON document instead of tables`;

/** Sizes alternate, every other round in reverse order. A curve that misses a bound is measured for longer. */
async function measure(curve: Curve, place: Place, sizes: readonly number[], rounds: number): Promise<Series> {
  const found: Point[][] = [];
  const series: Series = { curve, kind: place.kind, sizes, rounds: found };
  const round = async () => {
    const order = [...sizes.keys()];
    const points: Point[] = [];
    for (const at of found.length % 2 === 0 ? order : order.toReversed())
      points[at] = await pointOf(place.storage, curve.name, sizes[at] ?? 0);
    found.push(points);
  };
  while (found.length < rounds) await round();
  while (found.length < 2 * rounds && verdictsOf(series).some(({ isMet }) => !isMet)) await round();
  return series;
}

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args, {
    storage: { type: 'string', default: 'sqlite,postgres,redis' },
    curve: { type: 'string', default: curveNames.join(',') },
    rounds: { type: 'string', default: '3' },
    big: { type: 'boolean', default: false },
    sizes: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const rounds = whole('rounds', values.rounds);
  const curves = await Promise.all(namesOf('curve', values.curve, curveNames).map(curveOf));
  const given = values.sizes?.split(',').map((size) => whole('sizes', size, 0));
  const places = placesOf(values.storage);
  const say = (text: string) => {
    if (!values.json) console.log(text);
  };
  say(describeMachine(machine()));
  const all: Series[] = [];
  for (const open of places) {
    await using place = await open();
    for (const curve of curves) {
      const sizes = given ?? curve.sizes[values.big ? 'big' : 'small'];
      if (!curve.storages.includes(place.kind)) continue;
      const from = performance.now();
      const series = await measure(curve, place, sizes, rounds);
      all.push(series);
      const seconds = Math.round((performance.now() - from) / 1_000);
      say(
        `\n## ${curve.name}, ${place.kind}: ${series.rounds.length} rounds in ${seconds} s\n\n${growthTable(series)}`,
      );
    }
  }
  if (values.json) console.log(JSON.stringify(all.map((series) => ({ ...series, verdicts: verdictsOf(series) }))));
  const verdicts = all.flatMap(verdictsOf);
  const missed = verdicts.filter(({ isMet }) => !isMet);
  say(`\n${all.length} curves, ${verdicts.length} bounds, ${missed.length} missed`);
  if (missed.length > 0 && !values.json) process.exitCode = 1;
}

await command('bench growth', usage, main);
