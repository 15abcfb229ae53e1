// The documents have short sentences and the words of the field. docs/reference/glossary.md has our own words. Comments of code
// have whole sentences and none of the words that a reader has to translate.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  allFaults,
  type Fault,
  measure,
  measureAll,
  mostWords,
  pagesOf,
  sourcesOf,
  type Totals,
  totalsOf,
} from '../../scripts/prose/faults.ts';
import { messagesIn } from '../../scripts/prose/messages.ts';
import { sentencesOf, sentencesOfComments, wordsOf } from '../../scripts/prose/sentences.ts';

const root = resolve(import.meta.dirname, '../..');

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

/** The problems of a page, one line each: file, line, reason, sentence. */
function lint(file: string, page: string): readonly string[] {
  return sentencesOf(page).flatMap(({ line, text }) => {
    const words = wordsOf(text);
    const found = banned.flatMap(([pattern, instead]) => {
      const [word] = pattern.exec(text) ?? [];
      return word === undefined ? [] : [`“${word}”: say ${instead}`];
    });
    return [...(words > mostWords ? [`${words} words`] : []), ...found].map(
      (reason) => `${file}:${line}: ${reason}: ${text}`,
    );
  });
}

/** The problems of the comments of a file, one line each. */
function lintComments(file: string, source: string): readonly string[] {
  return sentencesOfComments(file, source).flatMap(({ line, text }) => {
    const found = bannedInComments.flatMap(([words, instead]) => {
      const [word] = words.exec(text) ?? [];
      return word === undefined ? [] : [`“${word}”: say ${instead}`];
    });
    const reasons = [...(headless.test(text) ? ['begins without a subject'] : []), ...found];
    return reasons.map((reason) => `${file}:${line}: ${reason}: ${text}`);
  });
}

test.each(pagesOf(root))('%s has short sentences and no banned word', (page) => {
  expect(lint(page, readFileSync(join(root, page), 'utf8'))).toEqual([]);
});

test('comments of code are whole sentences without a banned word', () => {
  const sources = sourcesOf(root);
  expect(sources.length).toBeGreaterThan(1_000);
  expect(sources.flatMap((file) => lintComments(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test('the glossary has at most twelve words of our own', () => {
  const [own = ''] = readFileSync(join(root, 'docs/reference/glossary.md'), 'utf8').split('## ').slice(1);
  const rows = own.split('\n').filter((line) => /^\| (?!word|---)/.test(line));
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.length).toBeLessThanOrEqual(12);
});

/** Pages, comments, messages: text that moves from one folder to another is no rise. */
const scopeOf = (folder: string) => folder.replace(/ [^ ]+$/, '');

function sum(totals: Readonly<Record<string, Totals>>, scope: string, fault: Fault): number {
  return Object.entries(totals).reduce(
    (all, [folder, of]) => all + (scopeOf(folder) === scope ? (of[fault] ?? 0) : 0),
    0,
  );
}

test('no named fault has become more frequent', { timeout: 120_000 }, () => {
  const kept: Readonly<Record<string, Totals>> = JSON.parse(
    readFileSync(join(root, 'docs/internals/prose.json'), 'utf8'),
  );
  const all = measureAll(root);
  const now = totalsOf(all);
  const rises = Object.entries(now).flatMap(([folder, totals]) =>
    allFaults
      .filter((fault) => sum(now, scopeOf(folder), fault) > sum(kept, scopeOf(folder), fault))
      .filter((fault) => (totals[fault] ?? 0) > (kept[folder]?.[fault] ?? 0))
      .flatMap((fault) => [
        `${folder}: ${kept[folder]?.[fault] ?? 0} of “${fault}” are kept in docs/internals/prose.json, now ${totals[fault]}:`,
        ...all
          .filter((each) => each.folder === folder)
          .flatMap(({ found }) => found.filter((each) => each.fault === fault))
          .map(({ place, text }) => `  ${place}: ${text}`),
      ]),
  );
  expect(rises).toEqual([]);
});

describe('the counter', () => {
  test.each([
    ['has', 'The [guide](a.md) has the options.'],
    ['of-of', 'It waits for the end of a token of the storage.'],
    ['by', 'It finds jobs by a filter.'],
    ['counts', 'The old secret counts for 24 hours.'],
    ['light', 'A job goes before its history.'],
    ['headless', 'What is due starts.'],
    ['whatever', 'It starts, whatever its queue.'],
    ['status', 'Further requests are `429`.'],
    ['adverb', 'It asks about ids, too.'],
    ['rare', 'Somebody has changed it.'],
    ['a', 'The log has one item a line.'],
  ])('finds “%s” in %j', (fault, text) => {
    expect(measure('a.md', 'pages', sentencesOf(text)).found).toContainEqual({
      place: 'a.md:1',
      fault,
      text: expect.any(String),
    });
  });

  test('finds nothing in a plain sentence', () => {
    const page = '# Where failed jobs are\n\nThe server answers 429. It deletes a job after one week. Is it running?\n';
    expect(measure('a.md', 'pages', sentencesOf(page)).found).toEqual([]);
  });

  test('finds the places that make messages', () => {
    const code = [
      "import { a } from 'some long name';",
      "if (a === 'b') throw new ConfigError(a + ': expected a number' + ` such as 5`);",
      "log.warn('event log unreadable', { a });",
      'sql`SELECT one FROM two`;',
    ].join('\n');
    expect(messagesIn('packages/server/src/a.ts', code)).toEqual([
      { file: 'packages/server/src/a.ts', line: 2, kind: 'message', text: '…: expected a number such as 5' },
      { file: 'packages/server/src/a.ts', line: 3, kind: 'log', text: 'event log unreadable' },
    ]);
    expect(messagesIn('packages/dashboard/app/a.tsx', 'const a = <p className="a b">\n  No jobs.\n</p>;')).toEqual([
      { file: 'packages/dashboard/app/a.tsx', line: 2, kind: 'dashboard', text: 'No jobs.' },
    ]);
  });
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
