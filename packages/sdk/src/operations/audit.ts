import type { NamesOf } from '@ojs-ts/core';
import type * as answers from '@ojs-ts/core/schemas';
import { type CallOptions, callNames } from '../job/options.ts';
import { timestamp } from '../job/wire.ts';
import { type Camel, camel } from './answer.ts';
import type { PageQuery } from './page.ts';
import { list } from './row.ts';

/** An entry of the audit log (ojs-security §11.2). */
export interface AuditEntry extends Camel<answers.AuditEntry> {}

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

const names: NamesOf<AuditOptions> = {
  ...{ ...callNames, limit: true, id: true, type: true, principal: true, about: true, since: true, until: true },
};

export const auditRows = {
  /** Who did what: entries of the audit log, newest first. Iterating reads the following pages too. */
  listAudit: {
    names,
    make: ({ id, type, principal, about, since, until }: AuditOptions) => {
      const times = { since: timestamp(since, 'since'), until: timestamp(until, 'until') };
      // The log is read by cursors alone.
      const more = { id, type, principal, about, ...times, offset: undefined };
      return (query: PageQuery) => list('audit.list', query, ['items'], readEntry, more);
    },
  },
};

function readEntry(item: unknown): AuditEntry {
  return camel<answers.AuditEntry>(item, 'id', 'timestamp', 'event_type');
}
