import fc from 'fast-check';

const letters = [...'abcdefghijklmnopqrstuvwxyzABC'];

/** Words of other libraries, which are no slips. */
const otherWords = ['eta', 'tz'];

/** The name with one letter added, removed, replaced, or swapped with the next; never one of the names themselves. */
export function misspellings(name: string, names: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(name.length - 1),
    letter: fc.constantFrom(...letters),
    kind: fc.constantFrom('add', 'remove', 'replace', 'swap'),
  });
  return change
    .map(({ at, letter, kind }) => {
      const [before, own, after] = [name.slice(0, at), name.charAt(at), name.slice(at + 1)];
      if (kind === 'add') return before + letter + own + after;
      if (kind === 'remove') return before + after;
      if (kind === 'replace') return before + letter + after;
      return before + after.slice(0, 1) + own + after.slice(1);
    })
    .filter((word) => word !== '' && !otherWords.includes(word) && !names.includes(word));
}
