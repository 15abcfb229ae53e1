/**
 * A number that JavaScript would change: `12345678901234567890`, `1.0`. Arguments of jobs are the user's, so the page
 * shows and sends them unchanged.
 */
export class Numeral {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  toString(): string {
    return this.source;
  }
}

interface Context {
  readonly source?: string;
}

type Reviver = (key: string, value: unknown, context: Context) => unknown;

const keepNumbers: Reviver = (_, value, { source }) =>
  typeof value === 'number' && source !== undefined && String(value) !== source ? new Numeral(source) : value;

declare global {
  interface JSON {
    parse(text: string, reviver: Reviver): unknown;
  }
}

/** Throws a SyntaxError for text that is no JSON. */
export function parse(text: string): unknown {
  return JSON.parse(text, keepNumbers);
}

/** The JSON text of a value of `parse`, with each number unchanged. */
export function stringify(value: unknown): string {
  if (value instanceof Numeral) return value.source;
  if (Array.isArray(value)) return `[${value.map((item) => stringify(item)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${stringify(member)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
