import { readFileSync, statSync } from 'node:fs';
import { didYouMean, type TokenScope, tokenScopes } from '@ojs-ts/core';

export interface Token {
  readonly secret: string;
  readonly scopes: readonly TokenScope[];
}

const minLength = 8;

/**
 * `SECRET` allows everything, `enqueue,work:SECRET` what it names. What stands before the first colon is scopes, so a
 * secret with a colon of its own is written behind some: `admin:SE:CRET`. Throws for an unknown scope, and where the
 * secret is too short to be one.
 */
export function parseToken(text: string): Token {
  const colon = text.indexOf(':');
  const token =
    colon < 0
      ? { secret: text, scopes: tokenScopes }
      : { secret: text.slice(colon + 1), scopes: text.slice(0, colon).split(',').map(readScope) };
  if (token.secret.length < minLength)
    throw new Error(`a token needs at least ${minLength} characters, as in --token enqueue,work:SECRET`);
  return token;
}

function readScope(name: string): TokenScope {
  const scope = tokenScopes.find((one) => one === name);
  if (scope !== undefined) return scope;
  // Anything but a word may be a part of a secret, which must not be printed.
  const given = /^[a-z]{1,16}$/i.test(name) ? `unknown scope ${name}` : 'the text before the colon is no scope';
  throw new Error(
    `token: ${given}; expected ${tokenScopes.join(', ')}.${didYouMean(name, tokenScopes)} Write a secret with a colon after a scope: admin:SECRET`,
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
  // Without any token everybody could come in, and whoever names a file means the opposite.
  if (tokens.length === 0) throw new Error(`${file}: expected a token in a line, such as enqueue,work:SECRET`);
  return { tokens, isOpen: process.platform !== 'win32' && (statSync(file).mode & readableByAll) !== 0 };
}
