import type { Json, OperationName } from '@ojs-ts/core';
import type { Engine } from '../engine/engine.ts';
import type { Query } from './queries.ts';
import type { Reply } from './reply.ts';

export interface About {
  readonly version: string;
  /** CloudEvents source of this server's events. */
  readonly source: string;
  /** Deliver the answers that the official cases need; never outside tests. */
  readonly testMode: boolean;
}

/** What an operation is handled with. `failed` reports what went wrong beside the answer. */
export type Handler = (
  engine: Engine,
  request: BindingRequest,
  about: About,
  failed: (error: unknown) => void,
) => Reply | Promise<Reply>;

/** The handlers of one topic; `binding.ts` puts the topics together. */
export type Handlers<Name extends OperationName> = Readonly<Record<Name, Handler>>;

/**
 * docs/internals/deviations.md: a running workflow is called active; the manifest's extensions, and `queue` in the
 * answers about one, are plain names.
 */
export type Quirk = 'active workflows' | 'plain names';

/** A call of the binding, whatever carried it. */
export interface BindingRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Body text, valid UTF-8, size already checked; undefined where there was none. */
  readonly body: Json | undefined;
  readonly requestId: string;
  /** `Idempotency-Key` */
  readonly key: string | null;
  /** `Prefer: handling=strict` (RFC 7240): what would be warned of is refused. */
  readonly strict?: boolean;
  /** What the caller is known to need where the specification has it otherwise. */
  readonly quirk?: Quirk;
  /** Aborted when the caller is gone: nobody will read the answer. */
  readonly signal?: AbortSignal;
}
