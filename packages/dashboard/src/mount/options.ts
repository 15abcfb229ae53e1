import { createHash } from 'node:crypto';
import { didYouMean, findUnknownName, type NamesOf, within } from '@ojs-ts/core';
import { type Grant, type Role, readRedaction, roles, tokenOfPrincipal } from '@ojs-ts/core/access';

/** Who looks at the dashboard, and what they may do. */
export interface Visitor {
  readonly roles: readonly Role[];
  /** Names of queues; one that ends in `*` is a prefix. Default: all. */
  readonly queues?: readonly string[] | undefined;
  /** Paths that the visitor does not see, such as `args[0].card`. Default: none. */
  readonly redact?: readonly string[] | undefined;
  /**
   * For the audit log, at most 255 characters. Visitors without a name share the idempotency keys of their rights.
   * Default: `dashboard` if `authorize` answers `true`, else with a digest of the rights.
   */
  readonly name?: string | undefined;
}

/** `false` refuses the request, `true` is the role admin for all queues. */
export type Authorize<R> = (request: R) => Decision | Promise<Decision>;
type Decision = boolean | Role | Visitor;

/** Options of a mounted dashboard. `R` is the request of the framework, which `authorize` gets. */
export interface DashboardOptions<R> {
  /**
   * Decides on every request of the dashboard. Without it a mount exists in development only (`NODE_ENV` is
   * `development` or `test`), answers to this machine only, and allows everything. Next.js always needs it.
   */
  readonly authorize?: Authorize<R> | undefined;
  /** The largest body of a request, in bytes. Default: 1,048,576. */
  readonly bodyLimit?: number | undefined;
  /** Folder of the built pages. Default: the one of this package. */
  readonly pages?: URL | undefined;
}

const names: NamesOf<DashboardOptions<unknown>> = { authorize: true, bodyLimit: true, pages: true };
const development: ReadonlySet<string | undefined> = new Set(['development', 'test']);

/** @throws TypeError for an unknown option, and for a missing `authorize` outside of development. */
export function checkOptions<R>(options: DashboardOptions<R>): void {
  const unknown = findUnknownName(options, names);
  if (unknown !== null) {
    const { name, path } = unknown;
    if (name === null) throw new TypeError(`dashboard: expected an object of options, got ${String(options)}`);
    throw new TypeError(
      `dashboard: unknown option ${within(path, name)}.${didYouMean(name, Object.keys(names))} Options are ` +
        `${Object.keys(names).join(', ')}.`,
    );
  }
  const { authorize, bodyLimit } = options;
  if (bodyLimit !== undefined && !(Number.isSafeInteger(bodyLimit) && bodyLimit > 0))
    throw new TypeError(`dashboard: bodyLimit must be a whole number of bytes above 0, got ${String(bodyLimit)}`);
  if (authorize !== undefined && typeof authorize !== 'function')
    throw new TypeError(`dashboard: authorize must be a function, got ${typeof authorize}`);
  const mode = process.env.NODE_ENV;
  if (authorize !== undefined || development.has(mode)) return;
  const given = mode === undefined ? 'not set' : JSON.stringify(mode);
  throw new TypeError(
    `dashboard: authorize is missing, and NODE_ENV is ${given}. ` +
      `Outside development a dashboard without it would let everybody change your jobs. Say who may use it:
  { authorize: (request) => isOperator(request) ? 'operator' : false }
false refuses, true is an admin; others are ${roles.join(', ')}, or { roles, queues, redact, name }. ` +
      'For development set NODE_ENV=development.',
  );
}

/** Who may do what, for one request. */
export interface Holder {
  readonly grant: Grant;
  /** Null without a name from the application. */
  readonly name: string | null;
  /** Who calls the engine. */
  readonly owner: string;
}

/** For the audit log, where the application gives no name. */
const unnamed = 'dashboard';
const everything: Holder = { grant: { roles: ['admin'], queues: ['*'] }, name: null, owner: unnamed };

/**
 * Null for a request that the application refuses.
 * @throws TypeError if `authorize` answers something else than its type says.
 */
export async function holderOf<R>(authorize: Authorize<R> | undefined, request: R): Promise<Holder | null> {
  if (authorize === undefined) return everything;
  const decision = await authorize(request);
  if (decision === false) return null;
  if (decision === true) return everything;
  if (typeof decision === 'string') return unnamedHolder({ roles: checkedRoles([decision]), queues: ['*'] });
  if (typeof decision !== 'object' || decision === null || !Array.isArray(decision.roles))
    throw new TypeError(`authorize: expected true, false, a role or { roles }, got ${String(decision)}`);
  const { queues = ['*'], redact = [], name } = decision;
  for (const path of redact)
    if (readRedaction(path) === null)
      throw new TypeError(`authorize: ${path} in redact is no path below args, meta or result`);
  const grant = { roles: checkedRoles(decision.roles), queues, redact };
  if (name === undefined) return unnamedHolder(grant);
  if (name === '' || name.length > 255) throw new TypeError('authorize: name must have 1 to 255 characters');
  if (tokenOfPrincipal(name) !== null)
    throw new TypeError(`authorize: ${name} is how the holder of a token is called; give the visitor another name`);
  return { grant, name, owner: name };
}

/**
 * These visitors have no identity, so an answer that is kept for a repeated call belongs to all with the same rights.
 */
function unnamedHolder(grant: Grant): Holder {
  const digest = createHash('sha256').update(JSON.stringify(grant)).digest('hex').slice(0, 12);
  return { grant, name: null, owner: `${unnamed}_${digest}` };
}

function checkedRoles(given: readonly Role[]): readonly Role[] {
  const unknown = given.find((one) => !roles.includes(one));
  if (unknown === undefined) return given;
  throw new TypeError(
    `authorize: unknown role ${String(unknown)}.${didYouMean(String(unknown), roles)} Roles are ${roles.join(', ')}.`,
  );
}
