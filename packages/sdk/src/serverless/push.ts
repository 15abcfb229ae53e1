import { BadDelivery, type Delivery, parseDelivery } from './delivery.ts';
import type { PushOutcome, PushWorker, RunLimits } from './push-worker.ts';
import { isSigned } from './signature.ts';

/** One HTTP delivery, whatever the platform calls its parts. */
export interface PushRequest {
  readonly method: string;
  readonly body: string;
  /** By lower-case name. */
  header(name: string): string | undefined;
}

export interface PushReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Takes an HTTP delivery (ojs-serverless §2.2, §2.3): 200 with what became of the job, also where it failed. 4xx say
 * that the request itself is wrong, and the server then does not try it again.
 */
export async function push<R>(worker: PushWorker<R>, request: PushRequest, limits: RunLimits = {}): Promise<PushReply> {
  if (request.method.toUpperCase() !== 'POST')
    return refusal(405, 'method_not_allowed', `expected POST, got ${request.method}`, { allow: 'POST' });
  const { signingSecrets } = worker;
  if (signingSecrets.length > 0 && !(await isSigned(signingSecrets, request.body, request.header))) {
    return refusal(
      401,
      'unauthenticated',
      'X-OJS-Signature does not fit the body, or its X-OJS-Timestamp is more than 5 minutes off.',
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
    told(
      await worker.run({ ...delivery, deliveryId: delivery.deliveryId ?? request.header('x-ojs-delivery-id') }, limits),
    ),
  );
}

function told(outcome: PushOutcome): object {
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
