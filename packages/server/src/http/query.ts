/** If a parameter is given twice, the last one counts, as in JSON. */
export function singles(query: unknown): Readonly<Record<string, string | undefined>> {
  const entries = Object.entries(query as Readonly<Record<string, string | readonly string[]>>);
  return Object.fromEntries(entries.map(([name, value]) => [name, typeof value === 'string' ? value : value.at(-1)]));
}
