import { ProtocolError } from '@ojs-ts/core';
import { grants, rights } from '@ojs-ts/core/access';
import { type Asked, docsHome, Fields, repositoryDocs } from '@ojs-ts/core/requests';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Binding } from '../../binding/binding.ts';
import { json, type Reply } from '../../binding/reply.ts';
import type { Authorization, Holder } from '../auth.ts';
import { answer } from '../delivery.ts';
import type { Logins } from '../logins.ts';
import { addressOf } from '../proxies.ts';
import type { Sessions } from './sessions.ts';

const path = '/dashboard/session';
/** In bytes. Anybody may send one. */
const maxBody = 8_192;
/** In characters: a browser keeps no cookie over 4,096 bytes, and no attribute over 1,024. */
const maxToken = 1_024;
const maxBasePath = 512;

export interface SessionParts {
  readonly binding: Binding;
  readonly authorization: Authorization;
  readonly logins: Logins;
  readonly sessions: Sessions;
  /** The address that errors link to. */
  readonly links: (request: FastifyRequest) => Pick<Asked, 'docsUrl'>;
}

/** The login of the dashboard: reads who the caller is, stores a token in a cookie, and removes it. */
export function addSessionRoutes(app: FastifyInstance, parts: SessionParts): void {
  const { authorization, logins, sessions } = parts;

  app.get(path, async (request, reply) =>
    answer(reply.header('cache-control', 'no-store'), stateOf(parts, request, request.holder)),
  );

  app.post(path, {
    onRequest: async (request) => checkLength(request),
    handler: async (request, reply) => {
      const { token, basePath } = readLogin(request.body);
      reply.header('cache-control', 'no-store');
      if (!authorization.isOn) return answer(reply, stateOf(parts, request, null));
      const holder = await logins.holder(`Bearer ${token}`, {
        address: addressOf(request),
        route: `POST ${path}`,
        requestId: request.id,
        isSealed: false,
      });
      if (holder === null) throw new ProtocolError('unauthenticated', 'Unknown, revoked or expired token.');
      const isSecure = request.protocol === 'https';
      // The sessions before would be found first if their paths are longer.
      reply.header('set-cookie', [
        ...sessions.endings(request.headers.cookie, isSecure),
        sessions.cookieOf(sessions.begin(token, basePath), isSecure),
      ]);
      return answer(reply, stateOf(parts, request, holder));
    },
  });

  app.delete(path, {
    onRequest: async (request) => checkLength(request),
    handler: async (request, reply) => {
      const endings = sessions.endings(request.headers.cookie, request.protocol === 'https');
      if (endings.length > 0) reply.header('set-cookie', [...endings]);
      return answer(reply.header('cache-control', 'no-store'), stateOf(parts, request, null));
    },
  });
}

/** Returns the rights of this holder, because the dashboard leaves out everything that they do not allow. */
function stateOf(
  { authorization, binding, links }: SessionParts,
  request: FastifyRequest,
  holder: Holder | null,
): Reply {
  const required = authorization.isOn;
  const allowed = rights.filter((right) => !required || (holder !== null && grants(holder.grant, right)));
  return json({
    required,
    authenticated: !required || holder !== null,
    principal: holder?.name ?? null,
    roles: holder?.grant.roles ?? [],
    rights: allowed,
    queues: required ? (holder?.grant.queues ?? []) : ['*'],
    sees_arguments: allowed.includes('payload'),
    version: binding.about.version,
    docs_url: docsHome(links(request).docsUrl ?? repositoryDocs),
    mode: 'server',
  });
}

/** Bodies of other routes are counted; these are small, and are refused unread where they are not. */
function checkLength({ headers }: FastifyRequest): void {
  const length = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity;
  if (!(length <= maxBody))
    throw new ProtocolError('envelope_too_large', `The request body is larger than ${maxBody} bytes.`);
}

interface Login {
  readonly token: string;
  readonly basePath: string;
}

/** @throws ProtocolError `invalid_request`, `invalid_payload`; no message has the token. */
function readLogin(body: unknown): Login {
  const fields = new Fields(Fields.parse(typeof body === 'string' ? body : undefined));
  const token = fields.requiredString('token', maxToken);
  if (/[^\x21-\x7e]/.test(token)) fields.issue('token', 'must have ASCII characters only, and no spaces');
  const given = fields.string('base_path', maxBasePath) ?? '/';
  const basePath = readBasePath(given);
  if (basePath === null)
    fields.issue(
      'base_path',
      'must be the path above the dashboard as the browser has it, such as / or /ops/, with letters, ' +
        'digits and %.~!$&\'()*+,=:@_- between slashes, and without ".."',
    );
  fields.done();
  return { token, basePath: basePath ?? '/' };
}

/** Goes into the attribute `Path` of a cookie, where a semicolon would begin another attribute. */
function readBasePath(text: string): string | null {
  if (!/^\/[\w%.~!$&'()*+,=:@/-]*$/.test(text) || text.includes('..') || text.includes('//')) return null;
  return text.endsWith('/') ? text : `${text}/`;
}
