/** Longer words get no suggestion: a comparison costs the product of both lengths, and no name is half as long. */
const longestWord = 64;

/**
 * The letters by which one word differs from another: an insertion, a removal, a replacement and a swap of two
 * neighbours count as one each (optimal string alignment).
 */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let least = Math.min(replaced, (last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1);
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (isSwap) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1);
      next.push(least);
    }
    beforeLast = last;
    last = next;
  }
  return last[to.length] ?? 0;
}

/**
 * The known name that was probably meant; undefined if none is near. A name one letter away always wins. Otherwise
 * case, `_`, `-` and `.` are ignored, a third of the letters may differ, and a word of at least four letters may be a
 * part of the name (`attempts` for `maxAttempts`).
 */
export function nearestName(given: string, names: Iterable<string>): string | undefined {
  if (given.length === 0 || given.length > longestWord) return undefined;
  const word = bare(given);
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const distance = Math.min(editDistance(given, name), looseDistance(word, bare(name)));
    if (distance < least) [nearest, least] = [name, distance];
  }
  return least <= Math.max(1, Math.floor(given.length / 3)) ? nearest : undefined;
}

/** ` Did you mean maxAttempts?`, as the end of a sentence; empty if no name is near. */
export function didYouMean(given: string, names: Iterable<string>): string {
  const name = nearestName(given, names);
  return name === undefined ? '' : ` Did you mean ${name}?`;
}

/** Never below 1.5 if the words differ by a letter: {@link editDistance} compares the words as written. */
function looseDistance(word: string, name: string): number {
  if (word === name) return 1.25;
  const isPart = word.length >= 4 && (name.includes(word) || (name.length >= 4 && word.includes(name)));
  return (isPart ? 1 : editDistance(word, name)) + 0.5;
}

function bare(word: string): string {
  return word.toLowerCase().replace(/[_.-]/g, '');
}
