// The documents have short sentences and the words of the field. docs/reference/glossary.md has our own words. Comments of code
// have whole sentences and none of the words that a reader has to translate.
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Most words of a sentence. Inline code, a link and a URL count as one word each. */
const mostWords = 25;

type Banned = readonly (readonly [words: RegExp, instead: string])[];

/** Words that neither documents nor comments of code have, and the words to use instead. */
const bannedEverywhere: Banned = [
  [/\b(?:tells?|told|telling)\b/i, 'says, reports, shows'],
  [/\b(?:go|goes|going|went) on\b/i, 'continues'],
  [/\bunder way\b/i, 'in flight, running'],
];

/** Words that the documents do not have, and the words to use instead. */
const banned: Banned = [
  ...bannedEverywhere,
  [/\b(?:lanes?|parked)\b/i, 'limited jobs'],
  [/\b(?:shelf|shelves|vigils?|whereabouts|crumbs?|arrows?)\b/i, 'the plain noun of the field'],
  [/\btails?\b/i, 'event subscription, or end'],
  [/\b(?:(?:a|the|its|each|one|per|worker’s|worker's|same) turns?|turns of)\b/i, 'request, batch or loop'],
  [/\b(?:doors?|gates?|fronts?|passages?|grounds?)\b/i, 'check, admission, head of the queue'],
  [/\b(?:intake|inbox)\b/i, 'outbox, import'],
  [/\b(?:faults?|rooms?|hands? (?:of|out))\b/i, 'bug, error, mutation; package, folder; gives'],
  [/\b(?:stands?|stood) (?:in|on|below|above|still|there|up|for|behind|beside)\b/i, 'is in, is listed in'],
  [/\b(?:store|storage|server|database)s? (?:is|are|was|were) away\b|\bthat (?:is|was) away\b/i, 'unreachable'],
  [/\b(?:shall|whereas|whereby|hereby|thereby|thereof)\b/i, 'should, while, so'],
  [/\b(?:simply|just|easily|obviously|basically|actually|really|very|quite|effortless(?:ly)?)\b/i, 'nothing'],
  [/\b(?:please note|note that|of course|in order to|as well as|needless to say)\b/i, 'nothing, or “to”, “and”'],
  [/\b(?:leverages?|utili[sz]es?|seamless(?:ly)?|robust|blazing|powerful|cutting-edge|world-class)\b/i, 'the fact'],
];

/** Words that comments of code do not have, and the words to use instead. */
const bannedInComments: Banned = [
  ...bannedEverywhere,
  [/\b(?:stands?|stood)\b/i, 'is, is in, represents, is blocked'],
  [/\b(?:nobody|somebody|whoever)\b/i, 'no caller, a worker, an operator'],
  [/\banew\b/i, 'again'],
  [/\bseldom\b/i, 'rarely'],
  [/\breckon\w*/i, 'calculate'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bmeanwhile\b/i, 'in between, since, at the same time'],
  [/\bas (?:it was|they were)\b/i, 'unchanged, as sent'],
];

/** A comment that begins so has no subject: “Of the last hour.” */
const headless = /^(?:Of|What|Whether|Where|Those that|Those of)\b/;

interface Sentence {
  readonly line: number;
  readonly text: string;
}

/**
 * The sentences of a Markdown page. Code blocks and comments are left out; a heading, a list item and a cell end one.
 */
function sentencesOf(page: string): readonly Sentence[] {
  const lines = page
    .replaceAll(/^( *)```[\s\S]*?^\1```$|<!--[\s\S]*?-->/gm, (block) => block.replaceAll(/[^\n]/g, ''))
    .split('\n');
  const blocks: { line: number; text: string }[] = [];
  let open = false;
  lines.forEach((text, index) => {
    const line = index + 1;
    const isTable = /^\s*\|/.test(text);
    if (isTable) {
      const cells = /^[\s|:-]+$/.test(text) ? [] : text.split(/(?<!\\)\|/);
      for (const cell of cells) blocks.push({ line, text: cell });
    } else if (text.trim() !== '') {
      const starts = /^\s*(?:#|[-*] |\d+\. |>)/.test(text);
      const last = blocks.at(-1);
      if (open && !starts && last !== undefined) last.text += `\n${text}`;
      else blocks.push({ line, text: text.replace(/^\s*(?:#+|[-*]|\d+\.|>)\s/, '') });
    }
    open = !isTable && text.trim() !== '' && !/^#/.test(text);
  });
  return blocks.flatMap(({ line, text }) => {
    const plain = text
      .replaceAll(/!?\[!?\[[^\]]*\]\([^)]*\)\]\([^)]*\)|!\[[^\]]*\]\([^)]*\)/g, '')
      .replaceAll(/(`+)[^`]+?\1/g, (code) => `CODE${code.replaceAll(/[^\n]/g, '')}`)
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/<?https?:\/\/\S+/g, 'URL')
      .replaceAll(/\*\*([^*]+)[:.]?\*\*:?/g, (_, label: string) => (text.startsWith('**') ? `${label}. ` : label));
    let at = line;
    return plain.split(/(?<=[.!?][”")*]*)(?=\s)/).flatMap((part) => {
      const first = at + (/^\s*/.exec(part)?.[0].split('\n').length ?? 1) - 1;
      at += part.split('\n').length - 1;
      return part.trim() === '' ? [] : [{ line: first, text: part.trim().replaceAll(/\s+/g, ' ') }];
    });
  });
}

/** The problems of a page, one line each: file, line, reason, sentence. */
function lint(file: string, page: string): readonly string[] {
  return sentencesOf(page).flatMap(({ line, text }) => {
    const words = text.split(' ').filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
    const found = banned.flatMap(([pattern, instead]) => {
      const [word] = pattern.exec(text) ?? [];
      return word === undefined ? [] : [`“${word}”: say ${instead}`];
    });
    return [...(words > mostWords ? [`${words} words`] : []), ...found].map(
      (reason) => `${file}:${line}: ${reason}: ${text}`,
    );
  });
}

/** A comment of TypeScript, CSS, Lua or SQL: a block, or lines of its own that follow one another, or the end of a line. */
const comments = {
  code: /(?<=^|[\s({])\/\*\*?(?=\s)[\s\S]*?\*\/|^[ \t]*\/\/.*(?:\n[ \t]*\/\/.*)*|(?<=\s)\/\/ .*$/gm,
  script: /^[ \t]*--.*(?:\n[ \t]*--.*)*|(?<=\s)-- .*$/gm,
};

/** The problems of the comments of a file, one line each. Code in backticks and links is left out. */
function lintComments(file: string, source: string): readonly string[] {
  const pattern = /\.(?:lua|sql)$/.test(file) ? comments.script : comments.code;
  return [...source.matchAll(pattern)].flatMap(({ 0: comment, index }) => {
    const text = comment
      .replaceAll(/`[^`]*`|\{@link [^}]*\}/g, (code) => `CODE${code.replaceAll(/[^\n]/g, '')}`)
      .replaceAll(/^[ \t]*(?:\/\*\*?|\*(?!\/)|\/\/|--)|\*\/$/gm, '')
      .replaceAll(/^[ \t]*(?:- |\* |@throws |@param \S+ (?:- )?|@\w+ )/gm, '\n');
    return text.split(/(?<=[.!?])\s+|\n\s*\n/).flatMap((part) => {
      const sentence = part.trim().replaceAll(/\s+/g, ' ');
      const found = bannedInComments.flatMap(([words, instead]) => {
        const [word] = words.exec(sentence) ?? [];
        return word === undefined ? [] : [`“${word}”: say ${instead}`];
      });
      const reasons = [...(headless.test(sentence) ? ['begins without a subject'] : []), ...found];
      if (reasons.length === 0) return [];
      const line = source.slice(0, index).split('\n').length;
      return reasons.map((reason) => `${file}:${line}: ${reason}: ${sentence}`);
    });
  });
}

/** All pages but those of docs/api and docs/generated, which git ignores. */
const pages = globSync(
  '{*.md,docs/*.md,docs/!(api|generated)/*.md,{packages,lab}/*/README.md,lab/*.md,lab/docs/*.md}',
  {
    cwd: root,
  },
).toSorted();

test.each(pages)('%s has short sentences and no banned word', (page) => {
  expect(lint(page, readFileSync(join(root, page), 'utf8'))).toEqual([]);
});

const sources = globSync('packages/*/{src,app,lua,sql}/**/*.{ts,tsx,css,lua,sql}', { cwd: root }).toSorted();

test('comments of code are whole sentences without a banned word', () => {
  expect(sources.length).toBeGreaterThan(1_000);
  expect(sources.flatMap((file) => lintComments(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test('the glossary has at most twelve words of our own', () => {
  const [own = ''] = readFileSync(join(root, 'docs/reference/glossary.md'), 'utf8').split('## ').slice(1);
  const rows = own.split('\n').filter((line) => /^\| (?!word|---)/.test(line));
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.length).toBeLessThanOrEqual(12);
});

describe('the lint', () => {
  const words = (count: number) => Array.from({ length: count }, () => 'word').join(' ');

  test('names file, line, reason and sentence', () => {
    const page = `# Title\n\nShort. ${words(26)}.\n\nThe server tells it.\n`;
    expect(lint('a.md', page)).toEqual([
      `a.md:3: 26 words: ${words(26)}.`,
      'a.md:5: “tells”: say says, reports, shows: The server tells it.',
    ]);
  });

  test('joins the lines of a paragraph, and gives the line of the sentence', () => {
    expect(lint('a.md', `One.\nTwo ${words(12)}\n${words(12)} three.\n`)).toEqual([
      `a.md:2: 26 words: Two ${words(24)} three.`,
    ]);
  });

  test.each([
    ['a code block', `\`\`\`ts\n// ${words(30)}\n\`\`\`\n`],
    ['inline code as one word', `${words(24)} \`${words(9)}\`.`],
    ['a link by its text', `${words(23)} [two words](https://example.com/${'x/'.repeat(9)}).`],
    ['list items', `- ${words(20)}\n- ${words(20)}`],
    ['cells of a table', `| ${words(20)} | ${words(20)} |\n| --- | --- |`],
    ['a heading and its paragraph', `## ${words(20)}\n${words(20)}.`],
    ['a label and its sentence', `- **${words(10)}.** ${words(20)}.`],
  ])('accepts %s', (_, page) => {
    expect(lint('a.md', page)).toEqual([]);
  });

  test.each([
    ['inline code', `${words(25)} \`code\`.`],
    ['a list item', `- One.\n- ${words(26)}`],
    ['a cell', `| a | ${words(26)} |`],
    ['the text of a link', `[${words(26)}](a.md)`],
  ])('counts the words of %s', (_, page) => {
    expect(lint('a.md', page)).toHaveLength(1);
  });

  test.each([
    ['a.ts', '/** Whether it runs. */\nlet a;\n', 'a.ts:1: begins without a subject: Whether it runs.'],
    ['a.ts', 'let a;\n/**\n * A job. What it\n * needs.\n */\n', 'a.ts:2: begins without a subject: What it needs.'],
    ['a.ts', 'a();\n// It goes\n// on.\n', 'a.ts:2: “goes on”: say continues: It goes on.'],
    ['a.ts', 'a(); // Nobody waits.\n', 'a.ts:1: “Nobody”: say no caller, a worker, an operator: Nobody waits.'],
    [
      'a.ts',
      '/** @param b where it stands */\n',
      'a.ts:1: “stands”: say is, is in, represents, is blocked: where it stands',
    ],
    ['a.lua', 'a()\n-- Of a job.\n', 'a.lua:2: begins without a subject: Of a job.'],
    ['a.sql', "SELECT '--'; -- As it was.\n", 'a.sql:1: “As it was”: say unchanged, as sent: As it was.'],
  ])('finds in a comment of %s: %j', (file, source, problem) => {
    expect(lintComments(file, source)).toEqual([problem]);
  });

  test.each([
    "const a = 'https://whoever.example';\n",
    '/** `told` and {@link stands}. */\n',
    "glob('packages/*/told/**');\n",
  ])('finds nothing in %j', (source) => {
    expect(lintComments('a.ts', source)).toEqual([]);
  });
});
