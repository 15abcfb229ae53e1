import { ProtocolError } from '@ojs-ts/core';
import { cronHandlers, deadLetterHandlers, schemaHandlers, withWarnings } from '@ojs-ts/core/handlers';
import { type OperationName, operations } from '@ojs-ts/core/operations';
import { requests } from '@ojs-ts/core/schemas';
import type { Engine } from '../engine/engine.ts';
import { checkRight, QueueAccess } from './access.ts';
import { adminHandlers } from './admin/admin.ts';
import { audited, auditHandlers, auditRefusal } from './audit.ts';
import { checkBody, unchecked } from './body-members.ts';
import { type About, type BindingRequest, type Handlers, ownKey } from './handler.ts';
import { Ids } from './ids.ts';
import { bulkHandlers } from './jobs/bulk.ts';
import { bulkOperationHandlers } from './jobs/bulk-operations.ts';
import { historyHandlers } from './jobs/history.ts';
import { explainHandlers, jobHandlers, jobListHandlers } from './jobs/jobs.ts';
import { resultHandlers } from './jobs/results.ts';
import { signalHandlers } from './jobs/signals.ts';
import { metricsHandlers } from './metrics/metrics.ts';
import { openApiHandlers } from './openapi.ts';
import { checkSearch, shownTo } from './payloads.ts';
import { checkQuery } from './query-parameters.ts';
import { limitHandlers } from './queues/limits.ts';
import { queueHandlers } from './queues/queues.ts';
import { faultOf, type Reply, refusal } from './reply.ts';
import { SharedAnswers } from './shared-answers.ts';
import { systemHandlers } from './system.ts';
import { tokenHandlers } from './tokens.ts';
import { stepHandlers } from './workers/steps.ts';
import { workerHandlers } from './workers/workers.ts';
import { workflowHandlers } from './workflows.ts';

/** Truncating a longer key could make two calls share it, so longer keys are refused. */
const maxKey = 256;

const handlers: Handlers<OperationName> = {
  ...systemHandlers,
  ...openApiHandlers,
  ...metricsHandlers,
  ...jobHandlers,
  ...jobListHandlers,
  ...explainHandlers,
  ...historyHandlers,
  ...workerHandlers,
  ...stepHandlers,
  ...signalHandlers,
  ...queueHandlers,
  ...limitHandlers,
  ...schemaHandlers,
  ...resultHandlers,
  ...bulkHandlers,
  ...bulkOperationHandlers,
  ...deadLetterHandlers,
  ...cronHandlers,
  ...workflowHandlers,
  ...tokenHandlers,
  ...auditHandlers,
  ...adminHandlers,
};

/**
 * The operations of the HTTP binding on an engine, text in and text out. HTTP and the embedded transport both call
 * this, so an answer is the same over either. Never throws: a refusal is a reply.
 */
export class Binding {
  readonly engine: Engine;
  readonly about: About;
  readonly #shared: SharedAnswers;
  readonly #failed: (error: unknown, operation: OperationName, requestId: string) => void;

  constructor(
    engine: Engine,
    about: About,
    failed: (error: unknown, operation: OperationName, requestId: string) => void,
  ) {
    this.engine = engine;
    this.about = about;
    this.#shared = new SharedAnswers(engine.subscriptions.turns);
    this.#failed = failed;
  }

  async call(operation: OperationName, request: BindingRequest): Promise<Reply> {
    const failed = (error: unknown) => {
      this.engine.storeHealth.noticed(error);
      this.#failed(error, operation, request.requestId);
    };
    try {
      const { grant, owner, query } = request;
      const { audit, body } = requests[operation];
      // Most callers have every right, most calls no parameters: what would find nothing is not asked.
      if (grant !== undefined) checkRight(grant, operations[operation].right);
      if (request.key !== null && request.key.length > maxKey) {
        throw ProtocolError.invalid([{ path: 'Idempotency-Key', message: `must have at most ${maxKey} characters` }]);
      }
      const { warnings: inBody, value } = body?.unknown === undefined ? unchecked : checkBody(operation, request.body);
      const inQuery = Object.keys(query).length === 0 ? [] : checkQuery(operation, query, request.quirk);
      const warnings = [...inQuery, ...inBody];
      if (warnings.length > 0 && request.strict) throw ProtocolError.invalid(warnings);
      const key = request.key === null || owner === undefined ? request.key : ownKey(owner, request.key);
      const access = grant === undefined ? null : QueueAccess.of(this.engine, grant);
      await access?.checkPath(operation, request.params);
      if (grant !== undefined) checkSearch(operation, grant, query, value);
      const ids = (kind: string) => {
        const made = new Ids(this.engine, key, kind);
        return () => made.next();
      };
      const own = {
        ...request,
        key,
        ...(value !== undefined && { value }),
        ...(access && { access }),
        ...(key !== null && { ids }),
      };
      const handler = handlers[operation];
      const make = () => handler(this.engine, own, this.about, failed);
      const work = () => this.#shared.get(operation, own, make);
      const done = await (audit === undefined ? work() : audited(this.engine, operation, audit, own, work));
      const warned = done.warnings === undefined && warnings.length === 0 ? done : withWarnings(done, warnings);
      const reply = grant === undefined ? warned : shownTo(grant, operation, warned);
      const { undelivered, chunks } = reply;
      if (chunks) return { ...reply, chunks: told(chunks, failed) };
      if (undelivered === undefined) return reply;
      return { ...reply, undelivered: () => undelivered().catch(failed) };
    } catch (error) {
      const fault = faultOf(error);
      if (fault.kind.status >= 500) failed(error);
      await auditRefusal(this.engine, operation, request, fault);
      return refusal(fault, request);
    }
  }
}

/** Reports an error of an answer that breaks off: its status was already sent. */
async function* told(chunks: AsyncIterable<string>, failed: (error: unknown) => void): AsyncGenerator<string> {
  try {
    yield* chunks;
  } catch (error) {
    failed(error);
    throw error;
  }
}
