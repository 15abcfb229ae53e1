import type { JsonMember, JsonNode } from '@ojs-ts/core/json';

/** The member of an object by its name. */
export function memberOf(node: JsonNode | undefined, key: string): JsonNode | undefined {
  return node?.kind === 'object' ? node.members.find((member) => member.key === key)?.value : undefined;
}

/** The text of a node on one line. */
export function textOf(node: JsonNode): string {
  if (node.kind === 'list') return `[${node.items.map(textOf).join(',')}]`;
  if (node.kind === 'object')
    return `{${node.members.map(({ key, value }) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`;
  return node.text;
}

/** The first characters of `textOf`, without reading the rest of a large value; without the last bracket. */
export function beginningOf(node: JsonNode, length: number): string {
  if ('text' in node) return cut(node.text, length);
  const entries: readonly (JsonNode | JsonMember)[] = node.kind === 'list' ? node.items : node.members;
  let text = node.kind === 'list' ? '[' : '{';
  for (const [index, entry] of entries.entries()) {
    if (text.length > length) break;
    if (index > 0) text += ',';
    const value = 'key' in entry ? entry.value : entry;
    if ('key' in entry) text += `${JSON.stringify(entry.key)}:`;
    text += beginningOf(value, length);
    if (text.length <= length && value.kind === 'list') text += ']';
    if (text.length <= length && value.kind === 'object') text += '}';
  }
  return cut(text, length);
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** The text of a node on many lines, two blanks a level. */
export function prettyOf(node: JsonNode, indent = ''): string {
  const deeper = `${indent}  `;
  if (node.kind === 'list') {
    if (node.items.length === 0) return '[]';
    return `[\n${node.items.map((item) => deeper + prettyOf(item, deeper)).join(',\n')}\n${indent}]`;
  }
  if (node.kind === 'object') {
    if (node.members.length === 0) return '{}';
    const lines = node.members.map(({ key, value }) => `${deeper}${JSON.stringify(key)}: ${prettyOf(value, deeper)}`);
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  return node.text;
}
