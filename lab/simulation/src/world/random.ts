/** A number from 0 up to 1, as `Math.random` gives. */
export type Random = () => number;

/** The same numbers for the same text: FNV-1a for the state, then mulberry32. */
export function randomOf(text: string): Random {
  let state = 0x811c9dc5;
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(list: readonly T[], roll: number): T {
  const one = list[Math.min(list.length - 1, Math.floor(roll * list.length))];
  if (one === undefined) throw new Error('There is nothing to pick from.');
  return one;
}
