import { type Answer, type Call, type Clock, ProtocolError, uuidv7 } from '@ojs-ts/core';
import type { Crons } from '@ojs-ts/core/cron';
import { atOnce } from '@ojs-ts/core/lifecycle';
import type { OperationName } from '@ojs-ts/core/operations';
import { type PlainReply, type Query, renderError } from '@ojs-ts/core/requests';
import { bulkAnswers } from './bulk.ts';
import { cronAnswers, cronsOf } from './crons.ts';
import { deadLetterAnswers } from './dead-letter.ts';
import { jobAnswers } from './jobs.ts';
import { queueAnswers } from './queues.ts';
import type { Answers } from './reply.ts';
import { schemaAnswers } from './schemas.ts';
import { systemAnswers } from './system.ts';
import { Table } from './table.ts';
import { workflowAnswers } from './workflows.ts';

/** Answers the calls of a Client out of this process's memory and at once, by the specification's own rules in core. */
export class Memory {
  readonly table: Table;
  readonly crons: Crons;
  readonly #answers: Answers;

  constructor(clock: Clock) {
    const table = new Table(clock);
    this.table = table;
    this.crons = cronsOf(table);
    this.#answers = {
      ...jobAnswers(table),
      ...bulkAnswers(table),
      ...queueAnswers(table),
      ...deadLetterAnswers(table),
      ...cronAnswers(this.crons, table),
      ...schemaAnswers(table),
      ...workflowAnswers(table),
      ...systemAnswers(table),
    };
  }

  /** Never throws for what a server would refuse: that is an answer too. */
  answer(call: Call): Answer {
    const requestId = `req_${uuidv7()}`;
    const { status, text, headers } = this.#reply(call, requestId);
    return { status, text, headers: { 'x-request-id': requestId, ...headers } };
  }

  #reply({ operation, params = {}, query = {}, body, idempotencyKey }: Call, requestId: string): PlainReply {
    this.table.tick();
    try {
      const answer = this.#answers[operation] ?? missing(operation);
      return atOnce(answer({ params, query: textsOf(query), body, key: idempotencyKey ?? null, requestId }));
    } catch (error) {
      if (error instanceof ProtocolError) return { status: error.kind.status, text: renderError(error, requestId) };
      throw error;
    }
  }
}

function missing(operation: OperationName): never {
  throw new ProtocolError(
    'unsupported',
    `${operation} is not answered in fake and inline mode; use realMode() to test it.`,
    {
      feature: operation,
    },
  );
}

function textsOf(query: NonNullable<Call['query']>): Query {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
