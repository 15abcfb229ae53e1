import type { WireEvent } from '../events/events.ts';
import type { Json } from '../job/job.ts';
import { elements, members, objectText, skipSpace, stringEnd, valueEnd } from '../json/json.ts';
import { type Grant, grants } from './roles.ts';

const parentResults = 'parent_results';
/** The text that replaces a member that a caller may not see. */
const hidden: ReadonlyMap<string, Json> = new Map([
  ['args', '[]'],
  ['result', 'null'],
  [parentResults, '[]'],
  ['checkpoint', 'null'],
  ['last_checkpoint', 'null'],
  ['data', 'null'],
]);
/** Members of a job's error that the worker fills with any JSON and any text. */
const hiddenOfError: ReadonlyMap<string, Json> = new Map([
  ['details', 'null'],
  ['backtrace', '[]'],
]);
/** Members that only describe a job, with any content: `ext_ml_gpu_count`, `x-tenant`. */
const described = /^(?:ext_|x[_:-])/;
/** The server's own members with such names. */
const shownAnyhow: ReadonlySet<string> = new Set([
  'x_progress',
  'x_wait',
  'x_successor',
  'x_lease',
  'x_parent_results_from',
  'x_parent_results_left_out',
]);
const redacted: Json = '"[redacted]"';
const maxPath = 256;

/** A path as its names: `args[0].card` is args, 0, card; `*` is any name or number. */
type Path = readonly string[];

/** Null for a text that is no path below args, meta or result. */
export function readRedaction(text: string): Path | null {
  if (text.length > maxPath || !/^(?:args|meta|result)(?:\.[^.[\]*]+|\.\*|\[(?:\d+|\*)\])+$/.test(text)) return null;
  return text.split(/[.[\]]+/).filter((part) => part !== '');
}

/** Makes answers about jobs what the caller may see of them; null where that is all. */
export function payloadFilter(grant: Grant | undefined): ((text: Json) => Json) | null {
  if (grant === undefined) return null;
  const hides = !grants(grant, 'payload');
  const paths = (grant.redact ?? []).flatMap((text) => {
    const path = readRedaction(text);
    return path === null ? [] : [path];
  });
  if (!hides && paths.length === 0) return null;
  return (text) => filtered(text, hides, paths);
}

/** An event as the caller may see it: without the data of a progress report, if payloads are hidden. */
export function shownEvent(event: WireEvent, grant: Grant | undefined): WireEvent {
  if (event.type !== 'job.progress' || grant === undefined || grants(grant, 'payload')) return event;
  const { data: _, ...data } = event.data;
  return { ...event, data };
}

/** @param text a piece of JSON in which every value of a member is whole. */
function filtered(text: Json, hides: boolean, paths: readonly Path[]): Json {
  let out = '';
  let copied = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    const end = stringEnd(text, at);
    const colon = skipSpace(text, end);
    if (text[colon] !== ':') {
      at = end;
      continue;
    }
    const raw = text.slice(at + 1, end - 1);
    const name: string = raw.includes('\\') ? JSON.parse(`"${raw}"`) : raw;
    at = skipSpace(text, colon + 1);
    const shown = shownOf(name, text, at, hides, paths);
    if (shown === null) continue;
    const valueEndsAt = valueEnd(text, at);
    out += text.slice(copied, at) + shown;
    copied = valueEndsAt;
    at = valueEndsAt;
  }
  return out + text.slice(copied);
}

/** Returns the text to show for the member's value; null for the value as it is. */
function shownOf(name: string, text: Json, at: number, hides: boolean, paths: readonly Path[]): Json | null {
  if (hides) {
    const empty = hidden.get(name) ?? (described.test(name) && !shownAnyhow.has(name) ? 'null' : undefined);
    if (empty !== undefined) return empty;
    if (name === 'error' || name === 'errors') return withoutDetails(text.slice(at, valueEnd(text, at)));
  }
  const root = name === parentResults ? 'result' : name;
  const below = paths.filter(([first]) => first === root).map(([, ...rest]) => rest);
  if (below.length === 0) return null;
  const value = text.slice(at, valueEnd(text, at));
  return name === parentResults ? redactEach(value, below) : redact(value, below);
}

/** The error of a job, or a list of them; null for anything else. An error of this server has codes of its own. */
function withoutDetails(value: Json): Json | null {
  const errors = value.startsWith('[') ? elements(value) : [value];
  if (!errors.every((text) => text.startsWith('{') && isOfJob(members(text)))) return null;
  const shown = errors.map((text) =>
    objectText([...members(text)].map(([name, one]) => [name, hiddenOfError.get(name) ?? one])),
  );
  return value.startsWith('[') ? `[${shown.join(',')}]` : (shown[0] ?? value);
}

function isOfJob(error: ReadonlyMap<string, Json>): boolean {
  return error.has('message') && !error.has('canonical_code');
}

/**
 * Results of steps. The result of a group is the list of its members' results, so each element of a list may be one.
 */
function redactEach(value: Json, paths: readonly Path[]): Json {
  if (!value.startsWith('[')) return redact(value, paths);
  return redact(
    `[${elements(value)
      .map((text) => redactEach(text, paths))
      .join(',')}]`,
    paths,
  );
}

function redact(value: Json, paths: readonly Path[]): Json {
  if (paths.some((path) => path.length === 0)) return redacted;
  const below = (name: string) => paths.filter(([first]) => first === name || first === '*').map(([, ...rest]) => rest);
  const shown = (name: string, text: Json) => {
    const rest = below(name);
    return rest.length === 0 ? text : redact(text, rest);
  };
  if (value.startsWith('{')) return objectText([...members(value)].map(([name, text]) => [name, shown(name, text)]));
  if (value.startsWith('['))
    return `[${elements(value)
      .map((text, index) => shown(String(index), text))
      .join(',')}]`;
  return value;
}
