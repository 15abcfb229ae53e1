/** The states of a job in the words of the history. */
export const states: ReadonlyMap<string, string> = new Map([
  ['available', 'waiting'],
  ...['scheduled', 'pending', 'active', 'retryable', 'completed', 'discarded', 'cancelled'].map(
    (name) => [name, name] as const,
  ),
]);
