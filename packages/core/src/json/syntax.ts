/** The place where a text stops being JSON, and what was expected there. */
export interface SyntaxProblem {
  readonly position: number;
  readonly expected: string;
}

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const literal = /true|false|null/y;
const space = /[ \t\n\r]*/y;
// Plain characters or one escape: no two alternatives begin alike, so the pattern never backtracks.
const plain = /[ !#-[\]-\uffff]*/y;
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Reports whether the text is one number as JSON writes it. */
export function isNumber(text: string): boolean {
  number.lastIndex = 0;
  return number.test(text) && number.lastIndex === text.length;
}

/**
 * Finds the first error in a text that `JSON.parse` refused. The engine's own message is of no use: it quotes the
 * content, and often has no position. The recursion is as deep as the text, so the caller checks the depth first.
 */
export function findSyntaxError(text: string): SyntaxProblem {
  let at = 0;

  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const matched = pattern.test(text);
    if (matched) at = pattern.lastIndex;
    return matched;
  };
  const expect = (character: string): boolean => {
    skip(space);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const problem = (expected: string): SyntaxProblem => ({ position: at, expected });

  function string(): SyntaxProblem | null {
    if (!expect('"')) return problem('a string in double quotes');
    for (;;) {
      skip(plain);
      if (text[at] === '"') {
        at++;
        return null;
      }
      if (text[at] !== '\\')
        return problem(at < text.length ? 'a control character to be escaped' : 'the closing quote of a string');
      if (!skip(escaped)) return problem('a valid escape sequence');
    }
  }

  function list(close: string, item: () => SyntaxProblem | null): SyntaxProblem | null {
    at++;
    if (expect(close)) return null;
    for (;;) {
      const inner = item();
      if (inner) return inner;
      if (expect(close)) return null;
      if (!expect(',')) return problem(`"," or "${close}"`);
    }
  }

  function member(): SyntaxProblem | null {
    const inner = string();
    if (inner) return inner;
    return expect(':') ? value() : problem('":"');
  }

  function value(): SyntaxProblem | null {
    skip(space);
    const first = text[at];
    if (first === '"') return string();
    if (first === '{') return list('}', member);
    if (first === '[') return list(']', value);
    return skip(literal) || skip(number) ? null : problem('a JSON value');
  }

  const inner = value();
  if (inner) return inner;
  skip(space);
  return problem('the end of the text');
}
