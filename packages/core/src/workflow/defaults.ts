import type { Json } from '../job/job.ts';
import { members, objectText } from '../json/json.ts';
import { type JobSpec, readWorkflowSpec } from './spec.ts';
import type { NewWorkflow } from './types.ts';

/** Names of one option: where an envelope has one of them, a default under another does not apply. */
const synonyms: readonly (readonly string[])[] = [
  ['timeout_ms', 'timeout'],
  ['delay_until', 'scheduled_at'],
  ['visibility_timeout_ms', 'visibility_timeout'],
  ['retry', 'retry_policy'],
];
const synonymsOf: ReadonlyMap<string, readonly string[]> = new Map(
  synonyms.flatMap((names) => names.map((name) => [name, names] as const)),
);

type Texts = ReadonlyMap<string, Json>;
const none: Texts = new Map();

/** The text of `options` on top of `defaults`, both texts of objects. */
export function mergeOptions(defaults: Json, options: Json): Json {
  const [outer, inner] = [members(defaults), members(options)];
  const merged = new Map(layered(outer, [inner]));
  const meta = joined([...metaOf(outer), ...metaOf(inner)]);
  if (meta !== null) {
    merged.delete('metadata');
    merged.set('meta', meta);
  }
  return objectText(merged);
}

/**
 * The text of an envelope with default options under its own, which may be at the top or in `options`. Meta is joined
 * member by member. A value that should be an object and is not stays unchanged, for the reader of envelopes to refuse.
 */
export function withDefaults(envelope: Json, defaults: Json): Json {
  const top = new Map(members(envelope));
  const own = top.get('options') ?? 'null';
  if (own !== 'null' && own[0] !== '{') return envelope;
  const given = members(defaults);
  top.set('options', objectText(layered(given, [own === 'null' ? none : members(own), top])));
  // `meta` at the top is what every other meta wins over.
  const meta = joined([...metaOf(given), top.get('meta')]);
  if (meta !== null) top.set('meta', meta);
  return objectText(top);
}

/** The envelope of a node's job, with the options of its workflow that hold where it has none of its own. */
export function requestOf(workflow: Pick<NewWorkflow, 'spec'>, { job, options }: JobSpec): Json {
  const defaults = options === null ? undefined : readWorkflowSpec(workflow.spec).options[options];
  return defaults === undefined ? job : withDefaults(job, defaults);
}

/**
 * The members of the first of `layers`, and those of `defaults` that no layer has an equal of. Meta is no such member.
 */
function layered(defaults: Texts, layers: readonly Texts[]): Texts {
  const merged = new Map<string, Json>();
  const isGiven = (name: string) => layers.some((layer) => (layer.get(name) ?? 'null') !== 'null');
  for (const [name, text] of defaults) {
    if (name !== 'meta' && name !== 'metadata' && !(synonymsOf.get(name) ?? [name]).some(isGiven))
      merged.set(name, text);
  }
  for (const [name, text] of layers[0] ?? none) if (text !== 'null') merged.set(name, text);
  return merged;
}

function metaOf(options: Texts): readonly (Json | undefined)[] {
  return [options.get('meta'), options.get('metadata')];
}

/** The members of all the objects in one, of equal names the last; null where there is nothing to join. */
function joined(texts: readonly (Json | undefined)[]): Json | null {
  const given = texts.filter((text) => text !== undefined).filter((text) => text !== 'null');
  if (given.some((text) => text[0] !== '{')) return null;
  if (given.length <= 1) return given[0] ?? null;
  return objectText(new Map(given.flatMap((text) => [...members(text)])));
}

/** `meta` and `metadata` of a workflow in one; null where it has neither. */
export function joinMeta(workflow: Texts): Json | null {
  return joined(metaOf(workflow));
}
