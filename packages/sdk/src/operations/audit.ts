import type { NamesOf } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { timestamp } from '../job/wire.ts';
import { compact, dateOf, eachOf, oneOf, textOf, wireOf } from '../json.ts';
import { type PageOf, type PageQuery, readPage } from './page.ts';

/** An entry of the audit log (ojs-security §11.2). */
export interface AuditEntry {
  readonly id: string;
  readonly timestamp: Date;
  /** Such as `queue.paused`. */
  readonly eventType: string;
  /** Whose token it was; `anonymous` on a server without tokens, `embedded` for an engine in a process. */
  readonly principal: string;
  readonly sourceIp?: string;
  /** The id of the request. */
  readonly correlationId?: string;
  readonly outcome: 'success' | 'failure';
  /** The request and the change, without arguments and results of jobs. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Selects entries of the audit log. */
export interface AuditOptions extends CallOptions {
  /** The entry with this id alone. */
  id?: string | undefined;
  /** A type, or its beginning: `queue` has `queue.paused`. */
  type?: string | undefined;
  /** Whose token it was, as in {@link AuditEntry.principal}. */
  principal?: string | undefined;
  /** A text in the detail, such as the id of a job or the name of a queue. */
  about?: string | undefined;
  /** RFC 3339 timestamp. Default: the oldest entry. */
  since?: Date | string | undefined;
  /** RFC 3339 timestamp. Default: now. */
  until?: Date | string | undefined;
  /** Entries of a page. Default 50, at most 1,000. */
  limit?: number | undefined;
}

export const auditNames: NamesOf<AuditOptions> = {
  ...callNames,
  id: true,
  type: true,
  principal: true,
  about: true,
  since: true,
  until: true,
  limit: true,
};

const outcome = oneOf('success', 'failure');

export function* listAudit(options: AuditOptions, query: PageQuery): Operation<PageOf<AuditEntry>> {
  const { id, type, principal, about } = options;
  const [since, until] = [timestamp(options.since, 'since'), timestamp(options.until, 'until')];
  const { limit, cursor } = query;
  const body = yield {
    call: { operation: 'audit.list', query: { id, type, principal, about, since, until, limit, cursor } },
  };
  return readPage(body, query, eachOf(body.items, readEntry));
}

function readEntry(item: unknown): AuditEntry | undefined {
  const raw = wireOf(item) ?? {};
  const [id, time, eventType] = [textOf(raw.id), dateOf(raw.timestamp), textOf(raw.event_type)];
  if (id === undefined || time === undefined || eventType === undefined) return undefined;
  return compact({
    id,
    timestamp: time,
    eventType,
    principal: textOf(raw.principal) ?? '',
    sourceIp: textOf(raw.source_ip),
    correlationId: textOf(raw.correlation_id),
    outcome: outcome(raw.outcome) ?? 'success',
    detail: wireOf(raw.detail) ?? {},
  });
}
