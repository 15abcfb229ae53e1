const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** `1,234,567` */
export function formatCount(count: number): string {
  return whole.format(count);
}

/** `1.2M`, for tiles and axes. */
export function formatShort(count: number): string {
  return short.format(count);
}

/** `1,000+` where the count ended at a bound. */
export function formatTotal(total: number, isLowerBound = false): string {
  return isLowerBound ? `${formatCount(total)}+` : formatCount(total);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  const value = bytes / 1_024 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`;
}
