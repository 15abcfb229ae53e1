import { type Answer, type Call, ProtocolError, uuidv7 } from '@ojs-ts/core';
import {
  cronHandlers,
  deadLetterHandlers,
  jobHandlers,
  schemaHandlers,
  withWarnings,
  workflowHandlers,
} from '@ojs-ts/core/handlers';
import { atOnce } from '@ojs-ts/core/lifecycle';
import { type PlainReply, type Query, renderError } from '@ojs-ts/core/requests';
import { bulkAnswers } from './bulk.ts';
import { type Answers, Host } from './host.ts';
import { jobAnswers } from './jobs.ts';
import { queueAnswers } from './queues.ts';
import { stepAnswers } from './steps.ts';
import { systemAnswers } from './system.ts';

const answers: Answers = {
  ...jobHandlers,
  ...deadLetterHandlers,
  ...cronHandlers,
  ...schemaHandlers,
  ...workflowHandlers,
  ...jobAnswers,
  ...bulkAnswers,
  ...queueAnswers,
  ...systemAnswers,
  ...stepAnswers,
};

/** Answers the calls of a Client out of this process's memory and at once, by the specification's own rules in core. */
export class Memory extends Host {
  /** Never throws for what a server would refuse: that is an answer too. */
  answer(call: Call): Answer {
    const requestId = `req_${uuidv7()}`;
    const { status, text, headers } = this.#reply(call, requestId);
    return { status, text, headers: { 'x-request-id': requestId, ...headers } };
  }

  #reply({ operation, params = {}, query = {}, body, idempotencyKey }: Call, requestId: string): PlainReply {
    this.storage.tick();
    try {
      const answer = answers[operation];
      if (answer === undefined) {
        const message = `${operation} is not answered in fake and inline mode; use realMode() to test it.`;
        throw new ProtocolError('unsupported', message, { feature: operation });
      }
      return withWarnings(
        atOnce(answer(this, { params, query: textsOf(query), body, key: idempotencyKey ?? null, requestId })),
      );
    } catch (error) {
      if (error instanceof ProtocolError) return { status: error.kind.status, text: renderError(error, { requestId }) };
      throw error;
    }
  }
}

function textsOf(query: NonNullable<Call['query']>): Query {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
