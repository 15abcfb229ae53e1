import type { Asked } from '../answers.ts';
import type { Targets } from '../bulk/bulk.ts';
import type { ReadEnvelope } from '../envelope/envelope.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import type { OperationName } from '../operations/operations.ts';
import type { Query } from '../requests/pages.ts';
import type { PlainReply } from '../requests/reply.ts';
import { type Answered, run, type Steps } from '../steps.ts';
import type { Clock } from '../time/clock.ts';
import { uuidv7 } from '../uuid.ts';
import type { ReadWorkflow } from '../workflow/workflow.ts';

/**
 * docs/internals/deviations.md. For the published admin page a running workflow is called active, and events come in
 * pages. The manifest's extensions, and `queue` in answers about a queue, are plain names for the published Go SDK.
 */
export type Quirk = 'admin page' | 'plain names';

/** The queues of a caller that is limited to some. Each check throws `permission_denied`. */
export interface Access {
  queues(names: Iterable<string>): void;
  jobs(ids: readonly JobId[]): Answered<void>;
  targets(targets: Targets): Answered<void>;
  cron(name: string): Answered<void>;
  /** The jobs of a template, as JSON text. */
  template(enqueue: Json): void;
  sent(jobs: Iterable<ReadEnvelope>): void;
  steps(read: Pick<ReadWorkflow, 'workflow' | 'nodes'>): void;
}

/** Reads the results of the workflow steps before a job. */
export interface Parents {
  of(job: JobRecord): Answered<JobRecord>;
}

/** A call with texts for its parameters. */
export interface Request extends Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Body text, valid UTF-8, within the size limit; undefined without a body. */
  readonly body: Json | undefined;
  /** `Idempotency-Key` */
  readonly key: string | null;
  /** Absent for a caller that may use every queue. */
  readonly access?: Access;
  /** `Prefer: handling=strict` (RFC 7240): warnings become refusals. */
  readonly strict?: boolean;
  /** Deviations from the specification that this client needs. */
  readonly quirk?: Quirk;
  /** Makes the ids that follow from the key of the call; `kind` separates operations. Absent without a key. */
  readonly ids?: (kind: string) => () => JobId;
}

export type Handler<Host> = (host: Host, request: Request) => Answered<PlainReply>;

export type Handlers<Host, Name extends OperationName> = Readonly<Record<Name, Handler<Host>>>;

/** A handler that asks a store several times. */
export function inSteps<Host>(work: (host: Host, request: Request) => Steps<PlainReply>): Handler<Host> {
  return (host, request) => run(work(host, request));
}

/** Makes the ids of a call: those of its key, else new ones. */
export function idsOf({ ids }: Request, clock: Clock, kind: string): () => JobId {
  return ids?.(kind) ?? (() => uuidv7(clock));
}

export function idOf({ params }: Request): string {
  return params.id ?? '';
}
