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

/** The file's text with the fault in it. Throws where the text to replace does not occur exactly once: then the fault is out of date. */
export function applyFault(fault: Pick<Fault, 'name' | 'file' | 'find' | 'replace'>, source: string): string {
  const places = source.split(fault.find).length - 1;
  if (places !== 1) throw new Error(`fault ${fault.name}: ${JSON.stringify(fault.find)} occurs ${places} times in ${fault.file}, not once`);
  return source.replace(fault.find, () => fault.replace);
}
