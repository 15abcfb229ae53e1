import { BadDelivery, type Delivery, parseDelivery } from './delivery.ts';
import type { PushOutcome, PushWorker, RunLimits } from './push-worker.ts';
import { isSigned } from './signature.ts';

/** One HTTP delivery in a form that is the same for all platforms. */
export interface PushRequest {
  readonly method: string;
  readonly body: string;
  /** Reads a header by its lower-case name. */
  header(name: string): string | undefined;
}

export interface PushReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Handles an HTTP delivery (ojs-serverless §2.2, §2.3). It answers 200 with the outcome of the job, even if the job
 * failed. It answers 4xx for a bad request, which the server does not repeat.
 */
export async function push<R>(worker: PushWorker<R>, request: PushRequest, limits: RunLimits = {}): Promise<PushReply> {
  if (request.method.toUpperCase() !== 'POST')
    return refusal(405, 'method_not_allowed', `expected POST, got ${request.method}`, { allow: 'POST' });
  const { signingSecrets } = worker;
  if (signingSecrets.length > 0 && !(await isSigned(signingSecrets, request.body, request.header))) {
    return refusal(
      401,
      'unauthenticated',
      'X-OJS-Signature does not match the body, or its X-OJS-Timestamp is more than 5 minutes off.',
    );
  }
  let delivery: Delivery;
  try {
    delivery = parseDelivery(request.body);
  } catch (error) {
    if (error instanceof BadDelivery) return refusal(400, 'invalid_payload', error.message);
    throw error;
  }
  return reply(
    200,
    bodyOf(
      await worker.run({ ...delivery, deliveryId: delivery.deliveryId ?? request.header('x-ojs-delivery-id') }, limits),
    ),
  );
}

function bodyOf(outcome: PushOutcome): object {
  if (outcome.status === 'superseded') {
    return {
      status: 'failed',
      error: { code: 'superseded', message: 'Another delivery of the job took over.', retryable: true },
    };
  }
  if (outcome.status === 'completed') return outcome;
  const { delayMs, ...rest } = outcome;
  return { ...rest, ...(delayMs !== undefined && { delay_ms: delayMs }) };
}

function refusal(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): PushReply {
  return reply(status, { error: { code, message, retryable: false } }, headers);
}

function reply(status: number, body: object, headers: Readonly<Record<string, string>> = {}): PushReply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
