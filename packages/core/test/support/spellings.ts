import fc from 'fast-check';

/** Two JSON texts that mean the same. */
export type Spellings = readonly [string, string];

const space = fc.constantFrom('', ' ', '\n', '\t', '\r\n  ');

const numberStyle = fc.record({
  point: fc.nat(12),
  before: fc.nat(3),
  after: fc.nat(3),
  mark: fc.constantFrom('e', 'E', 'e+', 'E+'),
  padding: fc.constantFrom('', '0', '00'),
});
type NumberStyle = typeof numberStyle extends fc.Arbitrary<infer T> ? T : never;

/** `digits` × 10^`exponent`, with a point and zeros somewhere. */
function spellNumber(
  sign: string,
  digits: string,
  exponent: number,
  { point, before, after, mark, padding }: NumberStyle,
): string {
  const whole = digits + '0'.repeat(before);
  const at = Math.max(1, whole.length - point);
  const fraction = whole.slice(at) + '0'.repeat(after);
  const rest = exponent - before + (whole.length - at);
  const head = `${sign}${whole.slice(0, at)}${fraction === '' ? '' : `.${fraction}`}`;
  if (rest === 0 && padding === '') return head;
  return rest < 0 ? `${head}${mark[0]}-${padding}${-rest}` : `${head}${mark}${padding}${rest}`;
}

const digits = fc.oneof(
  fc.nat(999).map(String),
  fc.bigInt({ min: 1n, max: 10n ** 20n }).map(String),
  fc.constantFrom('9007199254740993', '9007199254740992', '1000', '0'),
);
const exponents = fc.oneof(
  fc.integer({ min: -8, max: 8 }),
  fc.integer({ min: -340, max: 340 }),
  fc.constantFrom(0, 999_999_999),
);
const number = fc
  .tuple(fc.constantFrom('', '-'), digits, exponents, numberStyle, numberStyle)
  .map(
    ([sign, text, exponent, a, b]): Spellings => [
      spellNumber(sign, text, exponent, a),
      spellNumber(sign, text, exponent, b),
    ],
  );

const characters = fc.array(
  fc.constantFrom('a', 'é', 'Å', 'ệ', '한', '"', '\\', '/', '\n', '\0', '€', '😀', '\ud800', ';'),
  { maxLength: 8 },
);
const stringStyle = fc.record({ form: fc.constantFrom('NFC', 'NFD'), escaped: fc.infiniteStream(fc.boolean()) });
type StringStyle = typeof stringStyle extends fc.Arbitrary<infer T> ? T : never;

function spellString(text: string, { form, escaped }: StringStyle): string {
  let spelled = '';
  for (const unit of text.normalize(form).split('')) {
    const short = JSON.stringify(unit).slice(1, -1);
    const isBare = short === unit && !/[\ud800-\udfff]/.test(unit);
    if (isBare && !escaped.next().value) spelled += unit;
    else if (unit === '/' && escaped.next().value) spelled += '\\/';
    else if (short.length === 2 && escaped.next().value) spelled += short;
    else spelled += `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
  return `"${spelled}"`;
}

const string = fc
  .tuple(characters, stringStyle, stringStyle)
  .map(([units, a, b]): Spellings => [spellString(units.join(''), a), spellString(units.join(''), b)]);
const literal = fc.constantFrom('true', 'false', 'null').map((text): Spellings => [text, text]);

/** Two spellings of one value: white space, order of keys, escapes, normal form and number forms differ. */
export const { value: spellings } = fc.letrec<{ value: Spellings; list: Spellings; object: Spellings }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, number, string, literal, tie('list'), tie('object')),
  list: fc
    .tuple(space, space, fc.array(tie('value'), { maxLength: 4 }))
    .map(
      ([s, t, items]): Spellings => [
        `[${s}${items.map(([text]) => text).join(`${s},`)}]`,
        `[${items.map(([, text]) => text).join(`,${t}`)}${t}]`,
      ],
    ),
  object: fc
    .tuple(
      space,
      space,
      fc.array(fc.tuple(string, tie('value'), fc.nat()), { maxLength: 4 }).map((entries) => {
        const named = new Map(entries.map((entry) => [JSON.parse(entry[0][0]).normalize('NFC'), entry]));
        return [...named.values()];
      }),
    )
    .map(
      ([s, t, entries]): Spellings => [
        `{${s}${entries.map(([key, value]) => `${key[0]}${s}:${value[0]}`).join(`${s},`)}}`,
        `${t}{${entries
          .toSorted((a, b) => a[2] - b[2])
          .map(([key, value]) => `${key[1]}:${t}${value[1]}`)
          .join(`,${t}`)}${t}}`,
      ],
    ),
}));
