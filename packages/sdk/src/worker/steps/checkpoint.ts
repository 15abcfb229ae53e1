import { isObject } from '@ojs-ts/core';
import { type Wire, wireOf } from '../../json.ts';

/** Marks a checkpoint that has the rows of the job, on a server without x-steps. Its value is the version. */
export const mark = 'x_ojs_steps';

/** Reports whether the checkpoint has rows. */
export function hasRows(state: unknown): state is Wire {
  return isObject(state) && state[mark] === 1;
}

/** The state of the checkpoint in an envelope. */
export function checkpointIn({ checkpoint, last_checkpoint }: Wire): unknown {
  return wireOf(checkpoint)?.state ?? last_checkpoint ?? undefined;
}

/** Reports whether an earlier execution has kept the rows of the job in its checkpoint. */
export function hasCheckpointRows(wire: Wire): boolean {
  return hasRows(checkpointIn(wire));
}

/** The checkpoint of the handler, apart from the rows beside it. */
export function ownCheckpoint(state: unknown): unknown {
  return hasRows(state) ? state.state : state;
}
