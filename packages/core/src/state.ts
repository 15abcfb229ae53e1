/**
 * The eight job states (ojs-core §6) as bits, so that a guard or a uniqueness scope is one integer in code, in SQL and in Lua.
 */
export const State = {
  scheduled: 1,
  available: 2,
  pending: 4,
  active: 8,
  completed: 16,
  retryable: 32,
  cancelled: 64,
  discarded: 128,
} as const;

export type StateName = keyof typeof State;
export type State = (typeof State)[StateName];

/** A set of states: the bits of its members. */
export type StateMask = number;

export function isState(name: unknown): name is StateName {
  return typeof name === 'string' && Object.hasOwn(State, name);
}
