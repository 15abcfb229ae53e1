import { handleOf, type JobHandle } from '../handle.ts';
import type { JobRequest } from '../options.ts';
import { type Checked, schemaOf } from './check.ts';
import type { Producer } from './producer.ts';
import type { Sent } from './sent.ts';
import { typedHandle } from './typed.ts';
import { withArgs } from './with-args.ts';

/** The handle of a request that was sent. */
export async function shown(
  producer: Producer,
  request: JobRequest,
  { parsed }: Checked,
  sent: Sent,
): Promise<JobHandle> {
  const { calls } = producer.options;
  const definition = schemaOf(request);
  if (definition !== undefined) return producer.told(await typedHandle(sent, parsed, definition, calls));
  return producer.told(handleOf(withArgs(sent.job, parsed), sent.outcome, calls));
}
