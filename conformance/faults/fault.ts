/** One deliberate mistake in one source file, and what it is expected to break. */
export interface Fault {
  readonly name: string;
  /** The rule of the digest (or section of the design) that it breaks. */
  readonly rule: string;
  /** Path from the project's root. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Ids of our own cases that it turns red. */
  readonly cases: readonly string[];
}

/**
 * The source with the fault in it. How the formatter breaks lines does not matter: white space and a comma before a
 * closing bracket may differ. Throws where the text to replace does not occur exactly once: then the fault is out of
 * date.
 */
export function applyFault(fault: Pick<Fault, 'name' | 'file' | 'find' | 'replace'>, source: string): string {
  const places = [...source.matchAll(new RegExp(patternOf(fault.find), 'g'))].length;
  if (places !== 1)
    throw new Error(
      `fault ${fault.name}: ${JSON.stringify(fault.find)} occurs ${places} times in ${fault.file}, not once`,
    );
  return source.replace(new RegExp(patternOf(fault.find)), () => fault.replace);
}

function patternOf(find: string): string {
  const tokens = find.match(/\w+|[^\w\s]/g) ?? [];
  return tokens.map((token, at) => gapBefore(token, tokens[at - 1]) + RegExp.escape(token)).join('');
}

function gapBefore(token: string, before: string | undefined): string {
  if (before === undefined) return '';
  if (/\w$/.test(before) && /^\w/.test(token)) return '\\s+';
  return /[)\]}]/.test(token) ? '\\s*,?\\s*' : '\\s*';
}
