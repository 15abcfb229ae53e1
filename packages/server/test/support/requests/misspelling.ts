import fc from 'fast-check';

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** The word with one letter left out, doubled, replaced, or swapped with its neighbour. Upper case stays upper case. */
export function misspelled(word: string): fc.Arbitrary<string> {
  const letter = fc.constantFrom(...(word === word.toUpperCase() ? letters.toUpperCase() : letters));
  return fc
    .tuple(fc.nat(word.length - 1), letter, fc.constantFrom('removed', 'inserted', 'replaced', 'swapped'))
    .map(([at, by, how]) => {
      const [before, own, after] = [word.slice(0, at), word[at] ?? '', word.slice(at + 1)];
      if (how === 'removed') return `${before}${after}`;
      if (how === 'inserted') return `${before}${by}${own}${after}`;
      if (how === 'replaced') return `${before}${by}${after}`;
      return `${before}${after.slice(0, 1)}${own}${after.slice(1)}`;
    });
}

/** One of the names, and a misspelling of it that is none of them. */
export function misspelledOf(
  names: readonly string[],
): fc.Arbitrary<{ readonly name: string; readonly wrong: string }> {
  return fc
    .constantFrom(...names)
    .chain((name) => misspelled(name).map((wrong) => ({ name, wrong })))
    .filter(({ wrong }) => wrong !== '' && !names.includes(wrong));
}
