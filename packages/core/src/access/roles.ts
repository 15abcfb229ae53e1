import { ProtocolError } from '../errors.ts';

/** The rights that calls need; a role grants some of them. */
export const rights = [
  'enqueue',
  'work',
  'inspect',
  'payload',
  'read',
  'list',
  'cancel',
  'schedule',
  'operate',
  'configure',
  'purge',
  'access',
] as const;
export type Right = (typeof rights)[number];

/** One sentence a right, for the documentation and for people who make tokens. */
export const rightWords: Readonly<Record<Right, string>> = {
  enqueue: 'enqueue jobs and start workflows',
  work: 'fetch jobs and report on them',
  inspect: 'look at a job or workflow whose id is known, at results and events',
  payload: 'see arguments, results and checkpoints of jobs',
  read: 'look at queues, limits, schemas and crons',
  list: 'list and search jobs, dead letters and workers',
  cancel: 'cancel jobs and workflows',
  schedule: 'register, change and trigger crons',
  operate: 'pause queues, edit, retry, rerun and discard jobs, direct workers, change many jobs at once',
  configure: 'configure queues, limits, schemas and the server',
  purge: 'delete jobs',
  access: 'manage tokens and read the audit log',
};

/**
 * The rights of each role. `producer`, `worker`, `operator` and `admin` follow the matrix of ojs-security §7.5.
 * `enqueue` and `work` may read too, which waiting for results needs.
 */
const table = {
  viewer: ['inspect', 'read', 'list'],
  inspector: ['inspect', 'payload', 'read', 'list'],
  operator: ['enqueue', 'inspect', 'payload', 'read', 'list', 'cancel', 'schedule', 'operate'],
  admin: rights,
  enqueue: ['enqueue', 'inspect', 'payload', 'read', 'cancel'],
  work: ['work', 'inspect', 'payload', 'read'],
  cron: ['read', 'payload', 'schedule'],
  producer: ['enqueue'],
  worker: ['work'],
} as const satisfies Record<string, readonly Right[]>;

export type Role = keyof typeof table;
export const rightsOf: Readonly<Record<Role, readonly Right[]>> = table;
export const roles = Object.keys(table) as readonly Role[];

/** The rights of a token, and the queues in which it has them. */
export interface Grant {
  readonly roles: readonly Role[];
  /** Names of queues; one that ends in `*` is a prefix. */
  readonly queues: readonly string[];
  /** Paths in args, meta and results that the holder does not see, such as `args[0].card`. */
  readonly redact?: readonly string[];
}

export function grants({ roles }: Pick<Grant, 'roles'>, right: Right): boolean {
  return roles.some((role) => rightsOf[role].includes(right));
}

export function rolesWith(right: Right): readonly Role[] {
  return roles.filter((role) => rightsOf[role].includes(right));
}

/** The refusal of a caller whose roles lack the right. */
export function lacksRight({ roles }: Pick<Grant, 'roles'>, right: Right, holder = 'The token'): ProtocolError {
  const needed = rolesWith(right)
    .join(', ')
    .replace(/, (?=[^,]+$)/, ' or ');
  const has = roles.length === 0 ? 'no role' : `the role${roles.length === 1 ? '' : 's'} ${roles.join(' and ')}`;
  const message = `This call needs the right \`${right}\` (role ${needed}). ${holder} has ${has}.`;
  return new ProtocolError('permission_denied', message, { right, roles });
}

export function coversQueue({ queues }: Pick<Grant, 'queues'>, queue: string): boolean {
  return queues.some((one) => (one.endsWith('*') ? queue.startsWith(one.slice(0, -1)) : queue === one));
}

export function coversEveryQueue({ queues }: Pick<Grant, 'queues'>): boolean {
  return queues.includes('*');
}

/** Who the holder of a token of the store is, in operations, keys and the audit log: the same after a rotation. */
export function tokenPrincipal(id: string): string {
  return `token_${id}`;
}

/** The id of the token; null for everybody else. */
export function tokenOfPrincipal(principal: string): string | null {
  return /^token_([0-9a-f]{16})$/.exec(principal)?.[1] ?? null;
}
