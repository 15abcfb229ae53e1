import { State, type StateMask, type StateName } from './state.ts';

export { isState, State, type StateMask, type StateName } from './state.ts';

export const Terminal: StateMask = State.completed | State.cancelled | State.discarded;
/** Waiting for something other than a worker's answer: everything that CANCEL may end besides `active`. */
export const Waiting: StateMask = State.scheduled | State.available | State.pending | State.retryable;

const names = Object.entries(State) as readonly (readonly [StateName, State])[];
const byBit = new Map<number, StateName>(names.map(([name, bit]) => [bit, name]));

export function stateName(state: State): StateName {
  return byBit.get(state) as StateName;
}

export function stateNames(mask: StateMask): readonly StateName[] {
  return names.filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name);
}

/** From which states each state may be entered (digest §2, rows 4–19); creation enters scheduled, available or pending. */
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
