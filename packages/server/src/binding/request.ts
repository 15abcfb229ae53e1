import type { Json } from '@ojs-ts/core';
import type { Query } from './queries.ts';

/** docs/internals/deviations.md: a running workflow is called active; the manifest's extensions, and `queue` in the answers about one, are plain names. */
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
