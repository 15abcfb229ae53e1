import { ownSignals } from '../durable/mailbox.ts';
import { isMailed, stepLimits } from '../durable/row.ts';
import type { SentStep, SentSuspension, SentTry } from '../durable/sent.ts';
import { maxWarnings, unknownMembers, warningOf } from '../envelope/unknown-members.ts';
import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { elements, members } from '../json/json.ts';
import type { Fields } from '../requests/fields.ts';
import { readMembers } from '../schemas/read.ts';
import { shapeIn } from '../schemas/shape.ts';
import { failedTry, stepRow, wait } from '../schemas/steps.ts';
import type { Millis } from '../time/clock.ts';

/** No member of these schemas is read by the time. */
const anyTime: Millis = 0;
const rowSchema = stepRow();
const waitSchema = wait();
const trySchema = failedTry();

/**
 * The steps of a record or a suspension. Wrong values become issues of the fields.
 * @param text of the object that has the list.
 */
export function readSteps(fields: Fields, text: () => Json): readonly SentStep[] {
  const items = fields.items('steps', stepLimits.rows);
  refuseUnknown(items, rowSchema);
  const texts = items.length === 0 ? [] : elements(members(text()).get('steps') ?? '[]');
  const read = items.map((item, index): SentStep => {
    const { next_ms: nextMs, value: _, error: __, ...row } = readMembers(item, rowSchema, anyTime);
    const sent = members(texts[index] ?? '{}');
    const [value, error] = [sent.get('value'), sent.get('error')];
    checkWait(item, row);
    if (row.undo && row.kind !== 'run') item.issue('undo', 'belongs to the kind run');
    if (row.state !== 'done' && value !== undefined) item.issue('value', 'belongs to a step that is done');
    if (row.state === 'done' && item.has('error')) item.issue('error', 'belongs to a step that has failed');
    if (item.has('error') || row.state === 'failed') checkError(item);
    if (item.has('ms') && item.has('until')) item.issue('ms', 'excludes until: send one of them');
    return {
      ...row,
      ...(value !== undefined && { value }),
      ...(error !== undefined && error !== 'null' && { error }),
      ...(nextMs !== undefined && { nextMs }),
    };
  });
  refuseTwice(fields, 'steps', read);
  return read;
}

/** A worker says when a wait for a signal begins and when it is over; the server says what came. */
function checkWait(item: Fields, { kind, state }: Pick<SentStep, 'kind' | 'state'>): void {
  const isSignal = kind === 'signal';
  const waits = isMailed(kind);
  if (waits && state !== 'open' && state !== 'expired')
    item.issue('state', `must be open or expired for a step of the kind ${kind}; the answer has the payload`);
  if (!waits && state === 'expired')
    item.issue('state', 'is expired, which only a wait for a signal or for jobs can be');
  if (kind === 'child' && state === 'open' && !item.has('workflow'))
    item.issue('workflow', 'is required for a step that waits for jobs: the id of their workflow');
  if (kind !== 'child' && item.has('workflow')) item.issue('workflow', 'belongs to the kind child');
  if (typeof item.raw('signal') === 'string' && String(item.raw('signal')).startsWith(ownSignals))
    item.issue('signal', `must not begin with ${ownSignals}`);
  if (!isSignal)
    for (const name of ['signal', 'token']) if (item.has(name)) item.issue(name, 'belongs to the kind signal');
  if (item.has('signal') && item.has('token')) item.issue('token', 'excludes signal: a wait has one mailbox');
}

/** Null for a nack that suspends nothing. */
export function readSuspension(fields: Fields, text: () => Json): SentSuspension | null {
  if (!['waits', 'steps', 'failed_steps'].some((name) => fields.has(name))) return null;
  if (fields.raw('requeue') !== true) fields.issue('requeue', 'must be true with waits, steps or failed_steps');
  if (fields.has('delay_ms'))
    fields.issue('delay_ms', 'excludes waits, steps and failed_steps, which have their own ends');
  const named = fields.items('waits', stepLimits.waits);
  refuseUnknown(named, waitSchema);
  const waits = named.map((item) => readMembers(item, waitSchema, anyTime));
  const steps = readSteps(fields, text);
  const items = fields.items('failed_steps', stepLimits.rows);
  refuseUnknown(items, trySchema);
  const texts = items.length === 0 ? [] : elements(members(text()).get('failed_steps') ?? '[]');
  const tries = items.map((item, index): SentTry => {
    const { name, number, tries, retry } = readMembers(item, trySchema, anyTime);
    checkError(item);
    return {
      name,
      number,
      tries,
      error: members(texts[index] ?? '{}').get('error') ?? 'null',
      retryMs: retry?.ms ?? 0,
    };
  });
  refuseTwice(fields, 'waits', waits);
  refuseTwice(fields, 'failed_steps', tries);
  if (waits.length + tries.length === 0) fields.issue('waits', 'must have at least one wait, or failed_steps a try');
  return { waits, steps, tries };
}

function checkError(item: Fields): void {
  const error = item.object('error');
  if (error === null) item.issue('error', 'is required: an object with message');
  else if (typeof error.raw('message') !== 'string') error.issue('message', 'is required: a text');
}

/** A misspelled member would lose a value, a wait or a signal. */
export function refuseUnknown(items: readonly Fields[], schema: object): void {
  const shape = shapeIn(schema);
  const unknown = shape === null ? [] : items.flatMap(({ body, path }) => unknownMembers(body, shape, path));
  if (unknown.length > 0)
    throw ProtocolError.invalid(unknown.slice(0, maxWarnings).map((one) => warningOf(one, 'nothing was recorded')));
}

function refuseTwice(fields: Fields, list: string, items: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  items.forEach(({ name }, index) => {
    if (seen.has(name)) fields.issue(`${list}[${index}].name`, `must be there once; ${name} is there twice`);
    seen.add(name);
  });
}
