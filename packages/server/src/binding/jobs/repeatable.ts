import { createHash } from 'node:crypto';
import type { Json } from '@ojs-ts/core/job';
import { Fields, requireBody } from '@ojs-ts/core/requests';
import type { Parts } from '../../engine/engine.ts';
import type { BulkOperation } from '../../engine/jobs/bulk-replies.ts';
import { type BindingRequest, ownKey, sentKey } from '../handler.ts';
import type { Reply } from '../reply.ts';

type Engine = Parts<'bulkReplies'>;

export interface Answered {
  readonly reply: Reply;
  /** False if the store failed for some items: a repeated call tries those again, and finds the others done. */
  readonly final: boolean;
}

/** The identity of the call; null for a call without a key. */
export interface Repetition {
  readonly key: string;
  /** The seed of derived ids. */
  readonly nonce: string;
}

type Work = (repetition: Repetition | null) => Promise<Answered>;

/**
 * A call with an idempotency key, from the header or the body, gets the answer of the first one with this key in the
 * last day, and 409 if that one had another body (ojs-bulk-operations §10).
 * @param read checks the request and returns the work; a refused request does not use up the key.
 */
export async function repeatable(
  engine: Engine,
  request: BindingRequest,
  operation: BulkOperation,
  failed: (error: unknown) => void,
  read: (fields: Fields, text: Json) => Work,
): Promise<Reply> {
  const text = requireBody(request.body);
  const fields = new Fields(Fields.parse(text, request.value));
  const sent = request.key === null ? fields.string('idempotency_key', 256) : null;
  const key = request.key ?? (sent === null || request.owner === undefined ? sent : ownKey(request.owner, sent));
  const work = read(fields, text);
  if (key === null) return (await work(null)).reply;
  const digest = createHash('sha256').update(text).digest('base64url');
  const { nonce, reply: first } = await engine.bulkReplies.begin(operation, key, digest, sentKey(request, key));
  if (first !== null) return { ...first, headers: sizeHeader(first.text) };
  const { reply, final } = await work({ key, nonce });
  if (!final) return reply;
  try {
    await engine.bulkReplies.end(operation, key, nonce, reply);
  } catch (error) {
    // The work is done, and a repeated call changes nothing.
    failed(error);
  }
  return reply;
}

function sizeHeader(text: Json): Readonly<Record<string, string>> {
  return { 'x-ojs-batch-size': /"total(?:_matched)?":(\d+)/.exec(text)?.[1] ?? '0' };
}
