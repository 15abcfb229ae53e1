import { CaseError, isArray, isObject, type JsonValue, printed } from './json.ts';

type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'first'; readonly where: readonly Segment[]; readonly is: string };

const tokens =
  /\.(?<name>[^.[\]]+)|\[(?<index>\d+)\]|\[(?<all>\*)\]|\[\?\(@(?<where>[^=]*?)\s*==\s*(?:'(?<single>[^']*)'|"(?<double>[^"]*)"|(?<bare>[^)\s]*))\s*\)\]/y;

/** Reads a path of the reference's subset of JSONPath. Throws {@link CaseError} for any other text. */
export function parsePath(path: string): readonly Segment[] {
  if (!path.startsWith('$')) throw new CaseError(`path ${JSON.stringify(path)} does not start with $`);
  const segments: Segment[] = [];
  let at = 1;
  while (at < path.length) {
    tokens.lastIndex = at;
    const groups = tokens.exec(path)?.groups;
    if (groups === undefined)
      throw new CaseError(`path ${JSON.stringify(path)} cannot be read from character ${at} on`);
    at = tokens.lastIndex; // before segmentOf, which may use the same expression again
    segments.push(segmentOf(groups));
  }
  return segments;
}

function segmentOf(groups: Readonly<Record<string, string | undefined>>): Segment {
  if (groups.name !== undefined) return { kind: 'name', name: groups.name };
  if (groups.index !== undefined) return { kind: 'index', index: Number(groups.index) };
  if (groups.all !== undefined) return { kind: 'all' };
  return {
    kind: 'first',
    where: parsePath(`$${groups.where ?? ''}`),
    is: groups.single ?? groups.double ?? groups.bare ?? '',
  };
}

/** The value at the path; undefined if there is none. A wildcard collects values into one flat array. */
export function lookup(root: JsonValue | undefined, path: string): JsonValue | undefined {
  return walk(root, parsePath(path));
}

function walk(start: JsonValue | undefined, segments: readonly Segment[]): JsonValue | undefined {
  let value = start;
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === 'name') {
      value = isObject(value) && Object.hasOwn(value, segment.name) ? value[segment.name] : undefined;
    } else if (!isArray(value)) {
      return undefined;
    } else if (segment.kind === 'index') {
      value = value[segment.index];
    } else if (segment.kind === 'first') {
      value = value.find((item) => {
        const found = walk(item, segment.where);
        return found !== undefined && printed(found) === segment.is;
      });
    } else {
      const rest = segments.slice(index + 1);
      const nested = rest.some(({ kind }) => kind === 'all');
      return value.flatMap((item) => {
        const found = walk(item, rest);
        if (found === undefined) return [];
        return nested && isArray(found) ? found : [found];
      });
    }
  }
  return value;
}
