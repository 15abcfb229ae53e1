/** A sentence of a page, of a comment or of a message. */
export interface Sentence {
  readonly line: number;
  readonly text: string;
  /** The text with a mark behind each link, for faults that are about links. */
  readonly marked: string;
  readonly isHeading: boolean;
}

/** Stands behind the text of a link. */
export const linkMark = '\u2060';

/** Words of a sentence. Inline code, a link and a URL are one word each. */
export const wordsOf = (text: string) => text.split(' ').filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

const blank = (text: string) => text.replaceAll(/[^\n]/g, '');

function sentence(line: number, marked: string, isHeading = false): Sentence {
  return { line, text: marked.replaceAll(linkMark, ''), marked, isHeading };
}

/**
 * The sentences of a Markdown page. Code blocks and comments are left out; a heading, a list item and a cell end one.
 */
export function sentencesOf(page: string): readonly Sentence[] {
  const lines = page.replaceAll(/^( *)```[\s\S]*?^\1```$|<!--[\s\S]*?-->/gm, blank).split('\n');
  const blocks: { line: number; text: string; isHeading: boolean }[] = [];
  let open = false;
  lines.forEach((text, index) => {
    const line = index + 1;
    const isTable = /^\s*\|/.test(text);
    const isHeading = /^#/.test(text);
    if (isTable) {
      const cells = /^[\s|:-]+$/.test(text) ? [] : text.split(/(?<!\\)\|/);
      for (const cell of cells) blocks.push({ line, text: cell, isHeading });
    } else if (text.trim() !== '') {
      const starts = /^\s*(?:#|[-*] |\d+\. |>)/.test(text);
      const last = blocks.at(-1);
      if (open && !starts && last !== undefined) last.text += `\n${text}`;
      else blocks.push({ line, text: text.replace(/^\s*(?:#+|[-*]|\d+\.|>)\s/, ''), isHeading });
    }
    open = !isTable && text.trim() !== '' && !isHeading;
  });
  return blocks.flatMap(({ line, text, isHeading }) => {
    const plain = text
      .replaceAll(/!?\[!?\[[^\]]*\]\([^)]*\)\]\([^)]*\)|!\[[^\]]*\]\([^)]*\)/g, '')
      .replaceAll(/(`+)[^`]+?\1/g, (code) => (/^`[1-5]\d\d`$/.test(code) ? code.slice(1, 4) : `CODE${blank(code)}`))
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, `$1${linkMark}`)
      .replaceAll(/<?https?:\/\/\S+/g, 'URL')
      .replaceAll(/\*\*([^*]+)[:.]?\*\*:?/g, (_, label: string) => (text.startsWith('**') ? `${label}. ` : label));
    let at = line;
    return plain.split(/(?<=[.!?][”")*\u2060]*)(?=\s)/).flatMap((part) => {
      const first = at + (/^\s*/.exec(part)?.[0].split('\n').length ?? 1) - 1;
      at += part.split('\n').length - 1;
      return part.trim() === '' ? [] : [sentence(first, part.trim().replaceAll(/\s+/g, ' '), isHeading)];
    });
  });
}

/** A comment of TypeScript, CSS, Lua or SQL: a block, or lines of its own that follow one another, or the end of a line. */
const comments = {
  code: /(?<=^|[\s({])\/\*\*?(?=\s)[\s\S]*?\*\/|^[ \t]*\/\/.*(?:\n[ \t]*\/\/.*)*|(?<=\s)\/\/ .*$/gm,
  script: /^[ \t]*--.*(?:\n[ \t]*--.*)*|(?<=\s)-- .*$/gm,
};

/** The sentences of the comments of a file, each with the line of its comment. Code in backticks and links is left out. */
export function sentencesOfComments(file: string, source: string): readonly Sentence[] {
  const pattern = /\.(?:lua|sql)$/.test(file) ? comments.script : comments.code;
  let line = 1;
  let counted = 0;
  return [...source.matchAll(pattern)].flatMap(({ 0: comment, index }) => {
    line += source.slice(counted, index).split('\n').length - 1;
    counted = index;
    const text = comment
      .replaceAll(/`[^`]*`|\{@link [^}]*\}/g, (code) => `CODE${blank(code)}`)
      .replaceAll(/^[ \t]*(?:\/\*\*?|\*(?!\/)|\/\/|--)|\*\/$/gm, '')
      .replaceAll(/^[ \t]*(?:- |\* |@throws |@param \S+ (?:- )?|@\w+ )/gm, '\n');
    return text
      .split(/(?<=[.!?])\s+|\n\s*\n/)
      .map((part) => part.trim().replaceAll(/\s+/g, ' '))
      .filter((part) => part !== '')
      .map((part) => sentence(line, part));
  });
}

/** The sentences of a message: code in backticks is one word. */
export function sentencesOfMessage(line: number, message: string): readonly Sentence[] {
  return message
    .replaceAll(/`[^`]*`/g, 'CODE')
    .split(/(?<=[.!?])\s+|\n+/)
    .map((part) => part.trim().replaceAll(/\s+/g, ' '))
    .filter((part) => part !== '')
    .map((part) => sentence(line, part));
}
