import type { Grant } from '@ojs-ts/core/access';
import type { Request } from '@ojs-ts/core/handlers';
import type { OperationName } from '@ojs-ts/core/operations';
import type { Setting } from '@ojs-ts/core/options';
import type { Engine } from '../engine/engine.ts';
import type { QueueAccess } from './access.ts';
import type { Reply } from './reply.ts';

export interface About {
  readonly version: string;
  /** CloudEvents source of this server's events. */
  readonly source: string;
  /** Delivers the answers that the official cases need; never outside tests. */
  readonly testMode: boolean;
  /** Effective settings of the server by name; absent where an engine has no server around it. */
  readonly settings?: Readonly<Record<string, Setting>>;
}

/** The dependencies of a handler. `failed` logs errors that the answer does not show. */
export type Handler = (
  engine: Engine,
  request: BindingRequest,
  about: About,
  failed: (error: unknown) => void,
) => Reply | Promise<Reply>;

/** The handlers of one topic; `binding.ts` combines the topics. */
export type Handlers<Name extends OperationName> = Readonly<Record<Name, Handler>>;

/** A call of the binding, over HTTP or embedded. */
export interface BindingRequest extends Request {
  /** The parsed body, where it was checked for unknown members already. */
  readonly value?: unknown;
  /** Who calls, by token; absent where the server has none. Two owners with the same key are two calls. */
  readonly owner?: string;
  /** `Accept`; only answers that have several forms read it. */
  readonly accept?: string;
  /** `If-None-Match`; only answers with an `ETag` read it. */
  readonly ifNoneMatch?: string;
  /** The caller's address; absent for an embedded engine. */
  readonly address?: string;
  /** The rights of the caller's token; absent if the server asks for none. */
  readonly grant?: Grant;
  readonly access?: QueueAccess;
  /** Aborted when the caller has disconnected: the answer cannot be delivered. */
  readonly signal?: AbortSignal;
}

/** An idempotency key as it is known in the store: it belongs to the token that sent it. */
export function ownKey(owner: string, key: string): string {
  return `${scopeOf(owner)}:${key}`;
}

/** The key of {@link ownKey} as sent. */
export function sentKey({ owner }: BindingRequest, key: string): string {
  return owner === undefined ? key : key.slice(scopeOf(owner).length + 1);
}

/** Without a colon: a mount takes any name for its visitors. */
function scopeOf(owner: string): string {
  return /[%:]/.test(owner) ? owner.replaceAll('%', '%25').replaceAll(':', '%3A') : owner;
}

/** Who calls, for people: `anonymous` on a server without tokens, `embedded` for an engine in the process. */
export function callerName({ owner, address }: Pick<BindingRequest, 'owner' | 'address'>): string {
  return owner ?? (address === undefined ? 'embedded' : 'anonymous');
}
