import { type JsonNode, readDocument } from '@ojs-ts/core/json';
import { memberOf } from './document.ts';

/** A place in a text; line and column from 1. */
export interface Position {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

const step = /\.([^.[\]]+)|\[(\d+)\]/g;

/**
 * Finds where the value at a path such as `$.jobs[0].type` begins in JSON text. If a part of the path is missing, finds
 * the object that lacks it. Null for a text that is no JSON.
 */
export function positionOf(text: string, path: string): Position | null {
  let node: JsonNode;
  try {
    node = readDocument(text);
  } catch {
    return null;
  }
  for (const [, key, index] of path.matchAll(step)) {
    const found = index === undefined ? memberOf(node, key ?? '') : itemOf(node, Number(index));
    if (found === undefined) break;
    node = found;
  }
  return placeOf(text, node.at);
}

function itemOf(node: JsonNode, index: number): JsonNode | undefined {
  return node.kind === 'list' ? node.items[index] : undefined;
}

export function placeOf(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split('\n');
  return { offset, line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 };
}
