import cronstrue from 'cronstrue';

/** `At 02:30, only on Sunday`; null where nobody has words for the expression. */
export function wordsOfCron(expression: string): string | null {
  const every = /^@every (\S+)$/.exec(expression)?.[1];
  if (every !== undefined) return `Every ${every}`;
  try {
    return cronstrue.toString(expression, { use24HourTimeFormat: true, verbose: false });
  } catch {
    // A form that the library does not know; the expression itself stays readable.
    return null;
  }
}
