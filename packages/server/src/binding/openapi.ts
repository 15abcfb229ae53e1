import { createHash } from 'node:crypto';
import type { Engine } from '../engine/engine.ts';
import type { About, BindingRequest, Handlers } from './handler.ts';
import type { Reply } from './reply.ts';

export const openApiHandlers: Handlers<'system.openapi'> = { 'system.openapi': openApi };

interface Document {
  readonly text: string;
  readonly tag: string;
}

/** Few servers are asked for it, so it is made, and its code is loaded, at the first call. */
const documents = new WeakMap<About, Document>();

/** GET /openapi.json; 304 for a caller who has this document. */
async function openApi(_: Engine, { ifNoneMatch }: BindingRequest, about: About): Promise<Reply> {
  const document = documents.get(about) ?? (await documentOf(about));
  documents.set(about, document);
  const { text, tag } = document;
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache', etag: tag };
  return ifNoneMatch?.includes(tag) ? { status: 304, text: '', headers } : { status: 200, text, headers };
}

async function documentOf({ version }: About): Promise<Document> {
  const { openApi: build } = await import('@ojs-ts/core/openapi');
  const text = JSON.stringify(build(version));
  return { text, tag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
}
