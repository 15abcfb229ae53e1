/** The allowed answers of an operation without a parameter: texts, small integers, null, and lists of them. */
export type Reply = string | number | null | readonly Reply[];

export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply;
  throw wrong('a list', reply);
}

export function text(reply: Reply | undefined): string {
  if (typeof reply === 'string') return reply;
  throw wrong('a text', reply);
}

export function textOrNull(reply: Reply | undefined): string | null {
  return reply === null ? null : text(reply);
}

/** Integers come as such, or as their digits where they may be larger than a reply of Lua keeps. */
export function integer(reply: Reply | undefined): number {
  const value = typeof reply === 'string' && reply !== '' ? Number(reply) : reply;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw wrong('an integer', reply);
}

export function integerOrNull(reply: Reply | undefined): number | null {
  return reply === null ? null : integer(reply);
}

function wrong(expected: string, reply: unknown): TypeError {
  return new TypeError(`Redis: a script answered ${JSON.stringify(reply)}; expected ${expected}.`);
}
