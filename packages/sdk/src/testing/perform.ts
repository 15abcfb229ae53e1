import { members, type NamesOf } from '@ojs-ts/core';
import { type JobRecord, readEnvelope, recordOf, renderJob } from '@ojs-ts/core/job';
import { claimed } from '@ojs-ts/core/lifecycle';
import { check, requestOf } from '../enqueue/request.ts';
import type { JobDef } from '../job/definition.ts';
import { type JsonArray, parseWire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { termsOf } from './memory/table.ts';
import { ledger } from './scope.ts';

/** Options of {@link perform}. */
export interface PerformOptions {
  /** The payloads that `ctx.wait()` gets, by the names of their steps or of their signals. `undefined`: timed out. */
  readonly signals?: Readonly<Record<string, unknown>> | undefined;
}

const performNames: NamesOf<Omit<PerformOptions, 'signals'>> & { signals: true } = { signals: true };

/**
 * Runs the handler of a job with these args, inside the middleware of its worker. Returns the result after a round trip
 * through JSON. Durable steps run without a record, and their waits are over at once. It enqueues nothing for the job
 * itself, and assertions do not see the run. They do see jobs that the handler enqueues.
 * @throws the handler's error; {OJSValidationError} for args that cannot be sent; {OJSError} without a handler, and in
 * the handler for a wait without a payload in `signals`.
 */
export async function perform(job: string | JobDef, args: JsonArray, options: PerformOptions = {}): Promise<unknown> {
  checkNames(options, performNames);
  const { runner } = ledger();
  const request = requestOf(job, args, {}, undefined);
  const { wire } = await check(request);
  runner.require([request.type], 'perform()');
  const now = Date.now();
  const record: JobRecord = claimed(
    recordOf(readEnvelope(wire.text, now, () => wire.id).job),
    termsOf(runner.workerId),
    now,
  );
  const { outcome, entry, thrown } = await runner.execute(parseWire(renderJob(record)) ?? {}, nowhere, {
    recorded: false,
    skipsWaits: true,
    signals: options.signals ?? {},
  });
  if (outcome === 'ack') return resultIn(entry);
  throw thrown?.error;
}

function resultIn(entry: string): unknown {
  const text = members(entry).get('result');
  return text === undefined ? undefined : JSON.parse(text);
}

/** Sends no reports. */
const nowhere = {
  call: async () => ({ status: 204, text: '{}', headers: {} }),
  async [Symbol.asyncDispose]() {},
};
