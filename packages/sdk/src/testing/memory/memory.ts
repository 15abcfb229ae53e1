import {
  type Answer,
  type Call,
  type Clock,
  type OperationName,
  ProtocolError,
  renderError,
  uuidv7,
} from '@ojs-ts/core';
import { bulkAnswers } from './bulk.ts';
import { Crons } from './crons.ts';
import { deadLetterAnswers } from './dead-letter.ts';
import { type Answers, jobAnswers } from './jobs.ts';
import { manyAnswers } from './many.ts';
import { queueAnswers } from './queues.ts';
import type { Reply } from './reply.ts';
import { schemaAnswers } from './schemas.ts';
import { systemAnswers } from './system.ts';
import { Table } from './table.ts';
import { Workflows } from './workflows.ts';

/**
 * What a Client asks of a server, answered out of this process's memory and at once, by the specification's own rules
 * in core.
 */
export class Memory {
  readonly table: Table;
  readonly workflows: Workflows;
  readonly crons: Crons;
  readonly #answers: Answers;

  constructor(clock: Clock) {
    const table = new Table(clock);
    this.table = table;
    this.workflows = new Workflows(table);
    this.crons = new Crons(table);
    this.#answers = {
      ...jobAnswers(table),
      ...bulkAnswers(table),
      ...manyAnswers(table),
      ...queueAnswers(table),
      ...deadLetterAnswers(table),
      ...this.crons.answers,
      ...schemaAnswers(table),
      ...this.workflows.answers,
      ...systemAnswers(table),
    };
  }

  /** Never throws for what a server would refuse: that is an answer too. */
  answer(call: Call): Answer {
    const requestId = `req_${uuidv7()}`;
    const { status, text, headers } = this.#reply(call, requestId);
    return { status, text, headers: { 'x-request-id': requestId, ...headers } };
  }

  #reply(call: Call, requestId: string): Reply {
    this.table.tick();
    try {
      return (this.#answers[call.operation] ?? missing(call.operation))(call);
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
