/** The order of the columns: what waits and runs, then what has ended. */
export const stateColumns = [
  'available',
  'active',
  'scheduled',
  'retryable',
  'pending',
  'completed',
  'cancelled',
  'discarded',
] as const;
