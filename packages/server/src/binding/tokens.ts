import { formatTimestamp, type Millis, ProtocolError } from '@ojs-ts/core';
import { tokenOfPrincipal } from '@ojs-ts/core/access';
import { pagination, readPage } from '@ojs-ts/core/requests';
import { readBody, readQuery } from '@ojs-ts/core/schemas';
import type { TokenRecord } from '../engine/access/token-record.ts';
import type { IssuedToken } from '../engine/access/tokens.ts';
import type { Parts } from '../engine/engine.ts';
import type { BindingRequest, Handlers } from './handler.ts';
import { json, type Reply } from './reply.ts';

type Engine = Parts<'clock' | 'tokens'>;

export const tokenHandlers: Handlers<'token.list' | 'token.create' | 'token.rotate' | 'token.revoke'> = {
  'token.list': listTokens,
  'token.create': createToken,
  'token.rotate': rotateToken,
  'token.revoke': revokeToken,
};

/** How long both secrets count after a rotation, unless the call says otherwise (ojs-security §6.4); milliseconds. */
const defaultGraceMs = 86_400_000;

/** GET /admin/tokens: without secrets, oldest first, revoked ones too. */
async function listTokens(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const page = readPage(query);
  const all = await engine.tokens.list();
  const from = page.cursor === null ? page.offset : all.findIndex(({ id }) => id === page.cursor) + 1;
  const listed = all.slice(from, from + page.limit);
  const next = from + listed.length < all.length ? (listed.at(-1)?.id ?? null) : null;
  const tokens = listed.map(render);
  return json({ tokens, items: tokens, pagination: pagination(page, all.length, tokens.length, next) });
}

/** POST /admin/tokens `{name, roles, queues?, redact?, expires_at?}`: the only answer that has the secret. */
async function createToken(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { expires_at: expiresAt = null, ...asked } = readBody('token.create', request, engine.clock.now());
  const createdBy = request.owner ?? null;
  const issued = await engine.tokens.create({ queues: ['*'], ...asked, expiresAt, createdBy });
  return { ...told(issued), status: 201 };
}

/** POST /admin/tokens/:id/rotate `{grace?}`: a new secret; the old one counts until the grace is over. */
async function rotateToken(engine: Engine, request: BindingRequest): Promise<Reply> {
  const { grace = defaultGraceMs } = readBody('token.rotate', request, 0);
  return told(await engine.tokens.rotate(request.params.id ?? '', grace));
}

/** DELETE /admin/tokens/:id. `?force=true` also takes the last one by which its caller could make another. */
async function revokeToken(engine: Engine, { params, query, owner = '' }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  // A caller whose token is not of the store is not locked out.
  if (
    !readQuery('token.revoke', query, 0).force &&
    tokenOfPrincipal(owner) !== null &&
    (await engine.tokens.isLastAdmin(id))
  )
    throw new ProtocolError(
      'conflict',
      'This is the last token that may manage tokens: without it, nobody could make another.',
      { token_id: id, reason: 'last_admin' },
      'Make another token with the role admin for all queues first. ' +
        'Or repeat the call with ?force=true; the way back is then ojs tokens create --storage.',
    );
  return json({ token: render(await engine.tokens.revoke(id)) });
}

function told({ record, token }: IssuedToken): Reply {
  return { ...json({ token: render(record), secret: token }), headers: { 'cache-control': 'no-store' } };
}

function render(record: TokenRecord): object {
  const time = (at: Millis | null) => (at === null ? null : formatTimestamp(at));
  return {
    id: record.id,
    name: record.name,
    roles: record.roles,
    queues: record.queues,
    redact: record.redact ?? [],
    created_at: formatTimestamp(record.createdAt),
    created_by: record.createdBy,
    expires_at: time(record.expiresAt),
    rotated_at: time(record.rotatedAt),
    previous_until: time(record.previous?.until ?? null),
    revoked_at: time(record.revokedAt),
  };
}
