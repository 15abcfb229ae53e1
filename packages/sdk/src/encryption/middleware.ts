import type { NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { definitionOf, type JobRequest } from '../job/definition.ts';
import type { JobHandle, WaitOptions } from '../job/handle.ts';
import type { Job } from '../job/job.ts';
import type { CallOptions } from '../job/options.ts';
import { jsonProblem, refuse } from '../job/validate-request.ts';
import type { JsonArray } from '../json.ts';
import {
  type Encoder,
  type EnqueueMiddleware,
  type EnqueueNext,
  type ExecutionMiddleware,
  encodes,
} from '../middleware/types.ts';
import { known } from '../options/known.ts';
import type { JobContext } from '../worker/execution/context.ts';
import { withArgs } from '../worker/execution/context-with-args.ts';
import type { CodecChain } from './chain.ts';
import { decodeArgs, decodeResult, encodeArgs, encodeResult, isEncodedArgs } from './envelope.ts';
import { type EncryptionKey, readKey } from './keys.ts';
import { coverUnique } from './unique.ts';

/** How args leave a client. */
export interface EncryptionEnqueueOptions {
  /** Of one codec or several. */
  codec: CodecChain;
  /**
   * 32 bytes, as bytes or base64, or a WebCrypto key for HMAC: makes unique policies that count args work. It stays
   * when encryption keys rotate; with another one, jobs from before have no duplicates any more.
   */
  uniqueKey?: EncryptionKey | string | undefined;
}

const enqueueNames: NamesOf<EncryptionEnqueueOptions> = { codec: true, uniqueKey: true };

/** How a worker reads args and writes results. */
export interface EncryptionOptions {
  /** As in the clients. */
  codec: CodecChain;
  /** Whether results of jobs whose args were encoded are encoded too; default true (ojs-results §9.4). */
  results?: boolean | undefined;
}

const executionNames: NamesOf<EncryptionOptions> = { codec: true, results: true };

/**
 * Encodes the args of every job on its way out. Add it last: what comes after it sees no plaintext, what comes before
 * it sees no ciphertext (ojs-extension-interactions §14.1). Args of a cron are encoded when it is registered. The
 * handle that enqueue answers has the args as they were given, and its `wait()` and `refresh()` decode.
 */
export function encryptionEnqueueMiddleware(options: EncryptionEnqueueOptions): EnqueueMiddleware {
  known(options, enqueueNames);
  const uniqueKey = options.uniqueKey === undefined ? undefined : readKey(options.uniqueKey, 'uniqueKey');
  async function encryption(request: JobRequest, next: EnqueueNext): Promise<Job | null> {
    // What a relay sends was encoded before it was stored (ojs-extension-interactions §15.2).
    if (isEncodedArgs(request.args, request.meta ?? {})) return next(request);
    const job = await next(await encrypted(request, options.codec, uniqueKey));
    return job === null ? null : readable(job, options.codec);
  }
  const encode: Encoder = async (args, meta) =>
    isEncodedArgs(args, meta) ? { args, meta } : encodeArgs(options.codec, args, meta);
  return Object.assign(encryption, { [encodes]: encode });
}

/**
 * Decodes args and the results of earlier workflow steps before the handler sees them (ENC-004), and encodes its
 * result. Add it after tracing, before all else.
 */
export function encryptionMiddleware(options: EncryptionOptions): ExecutionMiddleware {
  known(options, executionNames);
  const { codec, results = true } = options;
  return async function encryption(ctx, next) {
    const args = await decodeArgs(codec, ctx.args, ctx.meta);
    const parentResults = await Promise.all(ctx.parentResults.map((parent) => decodeResult(codec, parent)));
    const result = await next(readableContext(ctx, args, parentResults));
    return args !== null && results && result !== undefined ? encodeResult(codec, result) : result;
  };
}

/**
 * The job with args and result as they were, for jobs that were read with `getJob` or from a list. Twice does no harm.
 * @throws {CodecError}
 */
export async function decodeJob<J extends Job>(codec: CodecChain, job: J): Promise<J> {
  const args = await plainArgs(codec, job);
  const result =
    job.result === undefined || job.result !== job.raw.result
      ? job.result
      : await decodeResult(codec, job.result, job.meta);
  return Object.assign(job, { ...(args !== null && { args }), ...(result !== undefined && { result }) });
}

async function encrypted(
  request: JobRequest,
  codec: CodecChain,
  uniqueKey: EncryptionKey | undefined,
): Promise<JobRequest> {
  refuse(jsonProblem(request.args, 'args'));
  if (request.schema !== undefined) {
    throw OJSValidationError.of(
      'schema',
      'a server cannot check encrypted args; check them before, with the schema of defineJob',
    );
  }
  // The definition has checked the plain args; what goes on from here is no longer of its shape.
  const { [definitionOf]: _, ...rest } = await coverUnique(request, uniqueKey);
  return { ...rest, ...(await encodeArgs(codec, request.args, rest.meta ?? {})) };
}

/** The job as its caller may read it; a handle also where it reads again. */
async function readable(job: Job, codec: CodecChain): Promise<Job> {
  const args = await plainArgs(codec, job);
  if (isHandle(job)) {
    const { wait, refresh } = job;
    Object.assign(job, {
      wait: async (options?: WaitOptions) => decodeResult(codec, await wait.call(job, options), job.meta),
      refresh: async (options?: CallOptions) => decodeJob(codec, await refresh.call(job, options)),
    });
  }
  return args === null ? job : Object.assign(job, { args });
}

/** Null where they are plain already: never encoded, or what a definition's schema made of those that were given. */
function plainArgs(codec: CodecChain, job: Job): Promise<JsonArray | null> {
  return job.args === job.raw.args ? decodeArgs(codec, job.args, job.meta) : Promise.resolve(null);
}

function isHandle(job: Job): job is JobHandle {
  return 'wait' in job && typeof job.wait === 'function' && 'refresh' in job && typeof job.refresh === 'function';
}

function readableContext(ctx: JobContext, args: JsonArray | null, parentResults: readonly unknown[]): JobContext {
  if (parentResults.length === 0) return args === null ? ctx : withArgs(ctx, args);
  return Object.defineProperty(withArgs(ctx, args ?? ctx.args), 'parentResults', {
    value: parentResults,
    enumerable: true,
  });
}
