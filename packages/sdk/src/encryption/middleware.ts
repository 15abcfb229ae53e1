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
  encodesPayload,
  type PayloadEncoder,
} from '../middleware/types.ts';
import { checkNames } from '../options/check-names.ts';
import { encodeSteps, type JobContext } from '../worker/execution/context.ts';
import { withArgs } from '../worker/execution/context-with-args.ts';
import { firstPlace, resultsFrom } from '../worker/execution/left-out-results.ts';
import type { CodecChain } from './chain.ts';
import { decodeArgs, decodeResult, encodeArgs, encodeResult, isEncodedArgs } from './envelope.ts';
import { type EncryptionKey, readKey } from './keys.ts';
import { coverUnique } from './unique.ts';

/** Options of {@link encryptionEnqueueMiddleware}. */
export interface EncryptionEnqueueOptions {
  /** The codecs to encode with. The workers must be able to decode them. */
  codec: CodecChain;
  /**
   * A key for fingerprints of args: 32 bytes, as bytes or base64, or a WebCrypto key for HMAC. Unique policies that
   * count args need it, because equal args are encrypted differently each time. Keep it when encryption keys rotate:
   * with another `uniqueKey`, earlier jobs no longer count as duplicates.
   */
  uniqueKey?: EncryptionKey | string | undefined;
}

const enqueueNames: NamesOf<EncryptionEnqueueOptions> = { codec: true, uniqueKey: true };

/** Options of {@link encryptionMiddleware}. */
export interface EncryptionOptions {
  /** The same codecs as in the clients. */
  codec: CodecChain;
  /** If true, the worker also encodes the result of a job whose args were encoded. Default: true (ojs-results §9.4). */
  results?: boolean | undefined;
}

const executionNames: NamesOf<EncryptionOptions> = { codec: true, results: true };

/**
 * Encodes the args of every job before the client sends it. Add it last: middleware after it sees only ciphertext,
 * middleware before it sees plaintext (ojs-extension-interactions §14.1). The args of a cron are encoded at its
 * registration, and payloads of signals before they are sent. The handle that `enqueue` returns has the plain args, and its `wait()` and `refresh()` decode.
 */
export function encryptionEnqueueMiddleware(options: EncryptionEnqueueOptions): EnqueueMiddleware {
  checkNames(options, enqueueNames);
  const uniqueKey = options.uniqueKey === undefined ? undefined : readKey(options.uniqueKey, 'uniqueKey');
  async function encryption(request: JobRequest, next: EnqueueNext): Promise<Job | null> {
    // A relay sends args that were encoded before they were stored (ojs-extension-interactions §15.2).
    if (isEncodedArgs(request.args, request.meta ?? {})) return next(request);
    const job = await next(await encrypted(request, options.codec, uniqueKey));
    return job === null ? null : readable(job, options.codec);
  }
  const encode: Encoder = async (args, meta) =>
    isEncodedArgs(args, meta) ? { args, meta } : encodeArgs(options.codec, args, meta);
  const encodePayload: PayloadEncoder = (payload) => encodeResult(options.codec, payload);
  return Object.assign(encryption, { [encodes]: encode, [encodesPayload]: encodePayload });
}

/**
 * Decodes args and the results of earlier workflow steps before the handler runs (ENC-004), and encodes the handler's
 * result. It also encodes the values and errors of durable steps, but not their names, and decodes the payloads of
 * signals. Add it after tracing and before
 * all other middleware.
 */
export function encryptionMiddleware(options: EncryptionOptions): ExecutionMiddleware {
  checkNames(options, executionNames);
  const { codec, results = true } = options;
  const steps = {
    encode: (value: unknown) => encodeResult(codec, value),
    decode: (value: unknown) => decodeResult(codec, value),
  };
  return async function encryption(ctx, next) {
    encodeSteps(ctx, steps);
    const args = await decodeArgs(codec, ctx.args, ctx.meta);
    const result = await next(readableContext(ctx, args, await decodeResults(codec, ctx.parentResults)));
    return args !== null && results && result !== undefined ? encodeResult(codec, result) : result;
  };
}

async function decodeResults(codec: CodecChain, results: readonly unknown[]): Promise<readonly unknown[]> {
  const from = firstPlace(results);
  const decoded = await Promise.all(results.slice(from).map((result) => decodeResult(codec, result)));
  return resultsFrom([...Array<null>(from).fill(null), ...decoded], from);
}

/**
 * Decodes args and result of a job that was read with `getJob` or from a list. A second call changes nothing.
 * @throws {CodecError} if a payload cannot be decoded.
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
  // The definition has checked the plain args. The encoded args no longer have its type.
  const { [definitionOf]: _, ...rest } = await coverUnique(request, uniqueKey);
  return { ...rest, ...(await encodeArgs(codec, request.args, rest.meta ?? {})) };
}

/** The job with plain args. If it is a handle, its `wait()` and `refresh()` decode as well. */
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

/** Null if the args are plain already: never encoded, or the output of a definition's schema. */
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
