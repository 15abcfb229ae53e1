import type { Pagination } from '../page.ts';

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly queues: readonly string[];
  readonly redact: readonly string[];
  readonly created_at: string;
  readonly created_by: string | null;
  readonly expires_at: string | null;
  readonly rotated_at: string | null;
  /** Until then the secret before the last rotation counts too. */
  readonly previous_until: string | null;
  readonly revoked_at: string | null;
}

/** The only answer with the secret. */
export interface IssuedToken {
  readonly token: Token;
  readonly secret: string;
}

export interface AuditEntry {
  readonly id: string;
  readonly timestamp: string;
  readonly event_type: string;
  readonly principal: string;
  readonly source_ip: string | null;
  readonly correlation_id: string;
  readonly outcome: 'success' | 'failure';
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface TokenAnswers {
  readonly 'token.list': { readonly items: readonly Token[]; readonly pagination: Pagination };
  readonly 'token.create': IssuedToken;
  readonly 'token.rotate': IssuedToken;
  readonly 'token.revoke': { readonly token: Token };
  readonly 'audit.list': {
    readonly items: readonly AuditEntry[];
    readonly scanned: number;
    readonly pagination: Pagination;
  };
}
