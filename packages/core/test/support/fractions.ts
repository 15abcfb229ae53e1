/** A number of JSON as a fraction of two integers. */
export function fraction(literal: string): readonly [bigint, bigint] {
  const [mantissa = '', exponent = '0'] = literal.toLowerCase().split('e');
  const [whole = '', decimals = ''] = mantissa.split('.');
  const power = Number(exponent) - decimals.length;
  const top = BigInt(`${whole}${decimals}`);
  return power < 0 ? [top, 10n ** BigInt(-power)] : [top * 10n ** BigInt(power), 1n];
}

/** -1, 0 or 1, as the first is less, equal or more. */
export function compare([p, q]: readonly [bigint, bigint], [r, s]: readonly [bigint, bigint]): number {
  return p * s === r * q ? 0 : p * s < r * q ? -1 : 1;
}
