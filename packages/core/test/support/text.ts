import fc from 'fast-check';

/**
 * Any character but half a surrogate pair. fast-check calls it `binary`, and begins with a table of all 1.1 million,
 * which takes two seconds.
 */
export const anyCharacter = fc
  .nat(0x10ffff - 0x800)
  .map((number) => String.fromCodePoint(number < 0xd800 ? number : number + 0x800));

/** The words of a text that spaces and line breaks part. */
export const words = (text: string): string[] => text.trim().split(/[ \n]+/);
