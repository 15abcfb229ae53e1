/** Entries that are about no operation. */
export const accessEvents = {
  loggedIn: 'authentication.succeeded',
  loginFailed: 'authentication.failed',
  denied: 'authorization.denied',
} as const;

/** An entry as it is stored and shown (ojs-security §11.2). */
export interface AuditEntry {
  /** RFC 3339. */
  readonly timestamp: string;
  readonly event_type: string;
  /** Whose token it was; `anonymous` on a server without tokens, `embedded` for an engine in the process. */
  readonly principal: string;
  /** Null for an embedded engine. */
  readonly source_ip: string | null;
  readonly correlation_id: string;
  readonly outcome: 'success' | 'failure';
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Members of requests that may hold what only the job's owner should see. */
const secretMembers: ReadonlySet<string> = new Set(
  `args arguments args_part meta metadata payload data result results parent_results value error errors checkpoint
  last_checkpoint schema`.split(/\s+/),
);

/** A request as the audit log may have it: without arguments and results, whatever is around them. */
export function withoutPayload(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPayload);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      secretMembers.has(name) ? '[hidden]' : withoutPayload(member),
    ]),
  );
}
