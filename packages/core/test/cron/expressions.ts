import { randomFrom } from './oracle.ts';

/** Expressions that people write, and those that meet the changes of the clocks. */
export const known: readonly string[] = `
  0 9 * * * | 0 9 * * MON-FRI | 0 * * * * | */15 * * * * | */30 * * * * | * * * * * | 7,22,52 * * * *
  30 2 * * * | 30 1 * * * | 15 0 * * * | 0 0 * * * | 59 23 * * * | 0 8 * * 0 | 0 8 * * 7 | 45 1-3 * * *
  */10 0-4 * * * | 0 */2 * * * | 0 1/3 * * * | 5/20 2 * * * | 0 0 1 1 * | 0 0 1 * * | 0 0 L * * | 0 23 L * *
  30 2 L-2 * * | 0 3 L-30 * * | 0 0 15W * * | 30 1 1W * * | 30 2 31W * * | 0 2 LW * * | 0 0 1,15,L * *
  0 0 * * 5#3 | 30 2 * 3 SUN#2 | 30 1 * 11 SUN#1 | 30 2 * 3 0L | 30 1 * 10 7L | 0 0 * * FRIL | 0 0 13 * 5
  0 0 */2 * 1 | 0 0 1-7 * */2 | 0 0 29 2 * | 0 0 30 2 * | 0 0 31 4,6,9,11 * | 0 12 31 * *
  30 0 * JAN,MAR-MAY,oct,Nov sat-SUN | 30 2 * * fri-sun | 30 2 * * 5-7 | 0 0 * * 0-7 | 0 0 * * 7/2 | 0 0 * * 5/2
  15,45 2 1-14 3,10 0,1L,4#2 | 0 0 1,10W,L-5,LW * MON#1,TUEL | 30 30 2 * * * | 30 30 1 * * *
  */20 */15 1-2 * * * | 15-45/15 59 23 * * SUN | * 0 0 L * *
`
  .trim()
  .split(/\s*[|\n]\s*/);

/** Expressions with seconds that run all the time: only near changes are they worth their 86,400 runs a day. */
export const dense: readonly string[] = ['* * * * * *', '*/7 * * * * *', '10,50 * 0-3 * * SUN', '59 */2 * * * *'];

/** Random expressions, the same ones for a seed. Few of them run all day. */
export function randomExpressions(count: number, seed: number): readonly string[] {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = (items: readonly (() => string)[]) => items[below(items.length)]?.() ?? '';
  const listOf = (item: () => string) =>
    Array.from({ length: 1 + (random() < 0.3 ? 1 + below(3) : 0) }, item).join(',');
  const cased = (text: string) => (random() < 0.5 ? text : text.toLowerCase());

  const plain = (min: number, max: number) => {
    const one = () => min + below(max - min + 1);
    return pick([
      () => String(one()),
      () => String(one()),
      () => {
        const from = one();
        return `${from}-${from + below(max - from + 1)}`;
      },
      () => {
        const from = one();
        return `${from}-${from + below(max - from + 1)}/${1 + below(9)}`;
      },
      () => `${one()}/${1 + below(max)}`,
      () => `*/${2 + below(max)}`,
    ]);
  };
  const minute = () => (random() < 0.7 ? listOf(() => String(below(60))) : listOf(() => plain(0, 59)));
  const hour = () => {
    if (random() < 0.1) return '*';
    return random() < 0.6 ? listOf(() => String(random() < 0.7 ? below(4) : below(24))) : listOf(() => plain(0, 23));
  };
  const date = () =>
    listOf(() =>
      pick([
        () => plain(1, 31),
        () => plain(1, 31),
        () => 'L',
        () => `L-${below(31)}`,
        () => cased(`${1 + below(31)}W`),
        () => 'LW',
      ]),
    );
  const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
  const month = () => listOf(() => (random() < 0.4 ? cased(months[below(12)] ?? '') : plain(1, 12)));
  const names = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
  const weekday = () =>
    listOf(() =>
      pick([
        () => plain(0, 7),
        () => plain(0, 6),
        () => cased(names[below(7)] ?? ''),
        () => {
          const from = below(6);
          return cased(`${names[from]}-${names[from + 1 + below(6 - from)]}`);
        },
        () => `${below(8)}L`,
        () => cased(`${names[below(7)]}L`),
        () => `${below(8)}#${1 + below(5)}`,
        () => cased(`${names[below(7)]}#${1 + below(5)}`),
      ]),
    );
  return Array.from({ length: count }, () => {
    const seconds = random() < 0.12 ? `${listOf(() => String(below(60)))} ` : '';
    const dates = random() < 0.55 ? '*' : date();
    return `${seconds}${minute()} ${hour()} ${dates} ${random() < 0.6 ? '*' : month()} ${random() < 0.55 ? '*' : weekday()}`;
  });
}
