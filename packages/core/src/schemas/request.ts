import type { OperationName } from '../operations/operations.ts';
import type { Parameters } from './parameters.ts';
import type { TSchema } from './type.ts';

/**
 * How the server answers a member that a body should not have. ojs-json-format §14.3 requires that unknown members of
 * its documents are accepted: the answer warns of them. A request that changes the server, or many jobs, is refused,
 * because a misspelled setting would have no effect. `own` refuses members of the body itself, not of the job template
 * in it.
 */
export type Strictness = 'warn' | 'refuse' | 'own';

export interface Body {
  /** Makes the schema. It is made when it is first needed, because few processes need all of them. */
  readonly schema: () => TSchema;
  /** Absent where the reader of the request itself looks for unknown members, or accepts any. */
  readonly unknown?: Strictness;
  /** The body may be left out. */
  readonly optional?: true;
}

/** The facts about an operation that clients do not load. */
export interface Request {
  /** One sentence without its full stop. */
  readonly summary: string;
  /** Parameters of the query, in the order in which messages name them. */
  readonly query?: Parameters;
  /** Parameters that published clients send, without an effect: accepted with a warning. */
  readonly tolerated?: readonly string[];
  readonly body?: Body;
  /** The type of the entry that a call leaves in the audit log (ojs-security §11.1); absent for calls without one. */
  readonly audit?: string;
}

export type Requests<Name extends OperationName> = Readonly<Record<Name, Request>>;
