/**
 * The eight job states (ojs-core §6) as bits, so that a guard or a uniqueness scope is one integer in code, in SQL and
 * in Lua.
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

export const Terminal: StateMask = State.completed | State.cancelled | State.discarded;
/** The states that CANCEL may end besides `active`: the job waits for something other than its worker. */
export const Waiting: StateMask = State.scheduled | State.available | State.pending | State.retryable;

export const AllStates: StateMask = Waiting | State.active | Terminal;

const names = Object.entries(State) as readonly (readonly [StateName, State])[];
const byBit = new Map<number, StateName>(names.map(([name, bit]) => [bit, name]));

export function stateName(state: State): StateName {
  return byBit.get(state) as StateName;
}

export function stateNames(mask: StateMask): readonly StateName[] {
  return names.filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name);
}

/**
 * The states from which each state may be entered (ojs-core §6.3; docs/reference/job-states.md). A new job is
 * scheduled, available or pending.
 */
export const Sources: Readonly<Record<StateName, StateMask>> = {
  scheduled: State.pending,
  available: State.scheduled | State.pending | State.retryable | State.active | State.discarded,
  pending: 0,
  active: State.available,
  completed: State.active,
  retryable: State.active,
  cancelled: Waiting | State.active,
  discarded: Waiting | State.active,
};

export function mayMove(from: State, to: State): boolean {
  return (Sources[stateName(to)] & from) !== 0;
}
