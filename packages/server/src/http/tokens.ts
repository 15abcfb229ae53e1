import { readFileSync, statSync } from 'node:fs';
import { didYouMean } from '@ojs-ts/core';
import { type Role, roles } from '@ojs-ts/core/access';

export interface Token {
  readonly secret: string;
  readonly roles: readonly Role[];
}

const minLength = 8;

/**
 * `SECRET` allows everything, `enqueue,work:SECRET` what its roles may. The text before the first colon is roles, so a
 * secret with a colon of its own is written behind some: `admin:SE:CRET`. Throws for an unknown role, and where the
 * secret is too short to be one.
 */
export function parseToken(text: string): Token {
  const colon = text.indexOf(':');
  const token =
    colon < 0
      ? { secret: text, roles: ['admin'] as const }
      : { secret: text.slice(colon + 1), roles: text.slice(0, colon).split(',').map(readRole) };
  if (token.secret.length < minLength)
    throw new Error(`a token needs at least ${minLength} characters, as in --token enqueue,work:SECRET`);
  return token;
}

function readRole(name: string): Role {
  const role = roles.find((one) => one === name);
  if (role !== undefined) return role;
  // Anything but a word may be a part of a secret, which must not be printed.
  const given = /^[a-z]{1,16}$/i.test(name) ? `unknown role ${name}` : 'the text before the colon is no role';
  throw new Error(
    `token: ${given}; expected ${roles.join(', ')}.${didYouMean(name, roles)} Write a secret with a colon after a ` +
      'role: admin:SECRET',
  );
}

/** Bit of a file's mode: everybody may read it. */
const readableByAll = 0o004;

/**
 * The tokens of a file, one a line; empty lines and lines that begin with `#` do not count. `isOpen` where everybody on
 * the machine may read the file.
 * @throws Error where the file cannot be read, and for a line that is no token. No message has a token.
 */
export function tokensOf(file: string): { readonly tokens: readonly Token[]; readonly isOpen: boolean } {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  const tokens = lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    try {
      return [parseToken(line)];
    } catch (error) {
      throw new Error(`${file}, line ${index + 1}: ${error instanceof Error ? error.message : 'no token'}`);
    }
  });
  // Without any token every caller could come in, and an operator who names a file means the opposite.
  if (tokens.length === 0) throw new Error(`${file}: expected a token in a line, such as enqueue,work:SECRET`);
  return { tokens, isOpen: process.platform !== 'win32' && (statSync(file).mode & readableByAll) !== 0 };
}
