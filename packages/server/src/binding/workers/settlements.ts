import { elements, isUuidv7, members, ProtocolError } from '@ojs-ts/core';
import { type JobOwner, readOwner, readSuspension } from '@ojs-ts/core/handlers';
import { type Json, type Leases, maxResultBytes, noClaim, readFailure } from '@ojs-ts/core/job';
import { unhandledCode } from '@ojs-ts/core/lifecycle';
import { type Body, Fields } from '@ojs-ts/core/requests';
import type { Ack, Settlement } from '../../engine/jobs/settlement.ts';

/** The largest nack that is stored, in bytes. */
const maxNackBytes = 1_048_576;
const maxItems = 1_000;

/** An ack or nack, parsed, with its text for members that are stored as sent. */
export interface Item {
  readonly body: Body;
  readonly text: () => Json;
}

/** The body of /workers/ack or /workers/nack. Throws `invalid_payload`. */
export function plainItem(text: Json | undefined): Item {
  return { body: Fields.parse(text), text: () => text ?? '' };
}

/** The acks or nacks of an exchange. The body is searched for their texts only if one of them needs its text. */
export function readItems(text: Json, name: 'acks' | 'nacks', fields: Fields): readonly Item[] {
  let texts: readonly Json[] | null = null;
  return fields.objects(name, maxItems).map((body, index) => ({
    body,
    text: () => {
      texts ??= elements(members(text).get(name) ?? '[]');
      return texts[index] ?? '{}';
    },
  }));
}

/** An ack: `{job_id, result?, worker_id?, x_lease?}`. The result keeps its text. */
export function readAck(leases: Leases, { body, text }: Item, worker?: string): Ack {
  const owner = usualOwner(leases, body, worker) ?? readOwner(leases, new Fields(body), worker);
  const result = body.result === undefined ? null : (members(text()).get('result') ?? null);
  if (result !== null) limitSize(result, '$.result', maxResultBytes, 'result_too_large');
  return { kind: 'ack', id: owner.id, claim: owner.claim, worker: owner.worker, result };
}

/**
 * A nack: `{job_id, error, requeue?, delay_ms?, worker_id?, x_lease?}`. `delay_ms` with `requeue` makes it a snooze.
 */
export function readNack(
  leases: Leases,
  { body, text }: Item,
  worker?: string,
): Settlement & { readonly kind: Exclude<Settlement['kind'], 'ack'> } {
  limitSize(text(), 'The nack', maxNackBytes, 'envelope_too_large');
  const fields = new Fields(body);
  const delayMs = fields.integer('delay_ms', 0, 365 * 86_400_000) ?? 0;
  const sent = readSuspension(fields, text);
  const owner = readOwner(leases, fields, worker);
  if (sent !== null) return { kind: 'suspend', ...owner, sent };
  const { failure, requeue } = readFailure(text());
  if (requeue && failure.code === unhandledCode) return { kind: 'refuse', ...owner, failure, delayMs };
  if (requeue) return { kind: 'requeue', ...owner, reason: failure.type, delayMs };
  return { kind: 'fail', ...owner, failure };
}

function limitSize(text: Json, what: string, maxBytes: number, code: 'envelope_too_large' | 'result_too_large'): void {
  const bytes = text.length <= maxBytes / 3 ? 0 : Buffer.byteLength(text);
  if (bytes > maxBytes)
    throw new ProtocolError(code, `${what}: expected at most ${maxBytes} bytes, got ${bytes}.`, { max_size: maxBytes });
}

/** As {@link readOwner}, in a fifth of its time, where the item has a lease that the store has issued; else null. */
function usualOwner(leases: Leases, { job_id: id, x_lease: lease }: Body, worker: string | undefined): JobOwner | null {
  if (worker === undefined || !isUuidv7(id) || typeof lease !== 'string') return null;
  const claim = leases.claimOf(id, lease);
  return claim === noClaim ? null : { id, claim, worker };
}
