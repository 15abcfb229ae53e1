import {
  didYouMean,
  formatTimestamp,
  isQueueName,
  type Millis,
  ProtocolError,
  parseDuration,
  readTime,
} from '@ojs-ts/core';
import { type Role, readRedaction, roles, tokenOfPrincipal } from '@ojs-ts/core/access';
import { Fields, pagination, readPage } from '@ojs-ts/core/requests';
import type { TokenRecord } from '../engine/access/token-record.ts';
import type { IssuedToken } from '../engine/access/tokens.ts';
import type { Parts } from '../engine/engine.ts';
import type { BindingRequest, Handlers } from './handler.ts';
import { readForce } from './query-parameters.ts';
import { json, type Reply } from './reply.ts';

type Engine = Parts<'clock' | 'tokens'>;

export const tokenHandlers: Handlers<'token.list' | 'token.create' | 'token.rotate' | 'token.revoke'> = {
  'token.list': listTokens,
  'token.create': createToken,
  'token.rotate': rotateToken,
  'token.revoke': revokeToken,
};

const maxQueues = 100;
/** How long both secrets count after a rotation, unless the call says otherwise (ojs-security §6.4); milliseconds. */
const defaultGraceMs = 86_400_000;
const maxGraceMs = 30 * 86_400_000;

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
async function createToken(engine: Engine, { body, owner }: BindingRequest): Promise<Reply> {
  const fields = new Fields(Fields.parse(body));
  const name = fields.requiredString('name', 128);
  const chosen = readRoles(fields);
  const queues = readQueues(fields);
  const redact = readRedact(fields);
  const expiresAt = readExpiry(fields, engine.clock.now());
  fields.done();
  const grant = { roles: chosen, queues, ...(redact !== null && { redact }) };
  const issued = await engine.tokens.create({ ...grant, name, expiresAt, createdBy: owner ?? null });
  return { ...told(issued), status: 201 };
}

/** POST /admin/tokens/:id/rotate `{grace?}`: a new secret; the old one counts until the grace is over. */
async function rotateToken(engine: Engine, { params, body }: BindingRequest): Promise<Reply> {
  const fields = new Fields(body === undefined || body === '' ? {} : Fields.parse(body));
  const grace = fields.string('grace');
  const graceMs = grace === null ? defaultGraceMs : parseDuration(grace);
  if (graceMs === null || graceMs < 0 || graceMs > maxGraceMs)
    fields.issue('grace', 'must be an ISO 8601 duration of at most P30D, such as PT1H; PT0S ends the old secret now');
  fields.done();
  return told(await engine.tokens.rotate(params.id ?? '', graceMs ?? defaultGraceMs));
}

/** DELETE /admin/tokens/:id. `?force=true` also takes the last one by which its caller could make another. */
async function revokeToken(engine: Engine, { params, query, owner = '' }: BindingRequest): Promise<Reply> {
  const id = params.id ?? '';
  // A caller whose token is not of the store is not locked out.
  if (!readForce(query) && tokenOfPrincipal(owner) !== null && (await engine.tokens.isLastAdmin(id)))
    throw new ProtocolError(
      'conflict',
      'This is the last token that may manage tokens: without it, nobody could make another.',
      { token_id: id, reason: 'last_admin' },
      'Make another token with the role admin for all queues first. ' +
        'Or repeat the call with ?force=true; the way back is then ojs tokens create --storage.',
    );
  return json({ token: render(await engine.tokens.revoke(id)) });
}

function readRoles(fields: Fields): readonly Role[] {
  const names = fields.strings('roles', roles.length);
  if (names === null || names.length === 0) fields.issue('roles', `must be an array of ${roles.join(', ')}`);
  return (names ?? []).flatMap((name, index) => {
    const role = roles.find((one) => one === name);
    if (role === undefined)
      fields.issue(`roles[${index}]`, `must be one of ${roles.join(', ')}.${didYouMean(name, roles)}`);
    return role ?? [];
  });
}

function readQueues(fields: Fields): readonly string[] {
  const queues = fields.strings('queues', maxQueues);
  if (queues?.length === 0) fields.issue('queues', 'must name a queue; leave it out for all queues');
  for (const [index, queue] of (queues ?? []).entries())
    if (!isPattern(queue)) fields.issue(`queues[${index}]`, 'must be the name of a queue, or its beginning and *');
  return queues ?? ['*'];
}

function readRedact(fields: Fields): readonly string[] | null {
  const paths = fields.strings('redact', maxQueues);
  for (const [index, path] of (paths ?? []).entries())
    if (readRedaction(path) === null)
      fields.issue(`redact[${index}]`, 'must be a path below args, meta or result, such as args[0].card or meta.*');
  return paths;
}

function isPattern(text: string): boolean {
  return text === '*' || isQueueName(text.replace(/[.-]?\*$/, ''));
}

function readExpiry(fields: Fields, now: Millis): Millis | null {
  const text = fields.string('expires_at');
  const at = text === null ? null : readTime(text, now);
  if (text !== null && (at === null || at <= now))
    fields.issue('expires_at', 'must be an RFC 3339 timestamp in the future, or + and an ISO 8601 duration');
  return at;
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
