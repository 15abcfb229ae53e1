import { ProtocolError } from '../errors.ts';
import type { JobRecord } from '../job/job.ts';
import { stateName } from '../job/states.ts';

/** The refusal of other args for a job whose recorded steps follow from the ones that it has. */
export function fixedArgs({ id, state }: Pick<JobRecord, 'id' | 'state'>): ProtocolError {
  const message = 'The job has recorded steps, which follow from its args; the args stay, and nothing was changed.';
  return new ProtocolError('has_steps', message, { job_id: id, current_state: stateName(state) });
}
