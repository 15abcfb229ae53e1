import { type JsonNode, readDocument } from '@ojs-ts/core/json';

/** A value that fits into so many characters stays on one line. */
const lineWidth = 64;

/** JSON text formatted for people: short lists on one line, every number unchanged. @throws SyntaxError */
export function layOut(text: string): string {
  return linesOf(readDocument(text), '');
}

function linesOf(node: JsonNode, indent: string): string {
  const line = inline(node);
  if (line !== null && indent.length + line.length <= lineWidth) return line;
  const deeper = `${indent}  `;
  if (node.kind === 'list')
    return around(
      '[]',
      indent,
      node.items.map((item) => deeper + linesOf(item, deeper)),
    );
  if (node.kind === 'object') {
    const members = node.members.map(({ key, value }) => `${deeper}${JSON.stringify(key)}: ${linesOf(value, deeper)}`);
    return around('{}', indent, members);
  }
  return node.text;
}

function around([open = '', close = '']: string, indent: string, lines: readonly string[]): string {
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

/** Scalars, and lists of nothing but scalars. */
function inline(node: JsonNode): string | null {
  if (node.kind === 'object') return node.members.length === 0 ? '{}' : null;
  if (node.kind !== 'list') return node.text;
  const items = node.items.map((item) => ('text' in item ? item.text : null));
  return items.includes(null) ? null : `[${items.join(', ')}]`;
}
