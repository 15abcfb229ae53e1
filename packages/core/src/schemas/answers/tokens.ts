import { type Role, roles } from '../../access/roles.ts';
import { Type } from '../type.ts';
import * as t from './parts.ts';

const Token = t.named('Token', {
  id: t.text(),
  name: t.text(),
  roles: t.list(Type.Unsafe<Role>({ type: 'string', enum: roles })),
  queues: t.list(t.text()),
  redact: t.list(t.text()),
  created_at: t.time(),
  created_by: t.orNull(t.text()),
  expires_at: t.orNull(t.time()),
  rotated_at: t.orNull(t.time()),
  previous_until: t.orNull(t.time('Until then the secret before the last rotation stays valid.')),
  revoked_at: t.orNull(t.time()),
});
export type Token = t.Of<typeof Token>;
const issued = t.answer({ token: Token, secret: t.text('No other answer has it.') });
export type IssuedToken = t.Of<typeof issued>;

const AuditEntry = t.named('AuditEntry', {
  id: t.text(),
  timestamp: t.time(),
  event_type: t.text(),
  principal: t.text(),
  source_ip: t.orNull(t.text()),
  correlation_id: t.text(),
  outcome: t.oneOf(['success', 'failure']),
  detail: t.mapOf(t.json()),
});
export type AuditEntry = t.Of<typeof AuditEntry>;

export const tokenAnswers = {
  'token.list': t.answer({ tokens: t.list(Token), items: t.list(Token), pagination: t.Page }),
  'token.create': issued,
  'token.rotate': issued,
  'token.revoke': t.answer({ token: Token }),
  'audit.list': t.answer({ items: t.list(AuditEntry), scanned: t.count(), pagination: t.Cursor }),
};
