// Counts the faults that can be counted. A pattern finds most of a kind and is sometimes wrong: the numbers only fall.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MessageKind, readMessages } from './messages.ts';
import { linkMark, type Sentence, sentencesOf, sentencesOfComments, sentencesOfMessage, wordsOf } from './sentences.ts';

/** Most words of a sentence of a page. */
export const mostWords = 25;

const number = '(?:\\d[\\d,.]*|one|two|three|four|five|six|eight|ten|a hundred|some|several|few|more|fewer)';
const things =
  'jobs|calls|requests|items|lines|events|commits|tokens|bytes|rows|entries|attempts|reads|writes|messages|times|tries|words|statements|keys';
const unit =
  '(?:second|minute|hour|day|week|month|year|line|page|job|queue|key|worker|call|request|server|process|batch|file|type|row|storage|commit|step|poll|test|run|folder|token|client|connection|workflow|node|shard|attempt|statement|sentence|column|cell|command)';
const code = '(?:4(?:0\\d|1\\d|2\\d|31)|50[0-4]|20[0-46]|30[1-8])';

/** The named faults and their patterns. */
export const faults = {
  has: new RegExp(
    `(?:${linkMark}|\\b(?:page|guide|section|table|list|README|chapter|document|docs|reference|log|answer|message|entry)s?|CODE) (?:has|have)\\b(?! (?:CODE|no |been|\\p{L}+ed\\b))`,
    'iu',
  ),
  'of-of':
    /(?<!\b(?:one|out|instead|number|because|kind|sort|all|each|most|none|some|any|many|outside|inside|independent|list|pair|total|maximum|ahead|regardless)) of (?:(?:the|an?|its|their|each|every|this|that|all|your) )?(?:[\p{L}’'-]+ ){1,2}(?<!\b(?:one|out|instead|number|because|kind|all|each|most|some|any) )of\b/iu,
  by: /^By (?!default|hand|contrast|then)|\bby (?:(?:the|an?|its|their|this|that|these|which|whose) )?(?:[\p{L}-]+ )?(?:clocks?|filters?|commas?|rules?|flags?|options?|HTTP|headers?|calls?|polling|means|way|words?)\b/iu,
  counts:
    /\b(?:counts?|counted) (?:for|as|from|no|until|again|only)\b|\b(?:not|longer|still|also|only|which|that|they|it|them) counts?\b/iu,
  light:
    /\b(?:goes|went|gone|stays?|stayed|comes|came|ends|ended|stands|stood|holds|held|makes? (?:the|an?|it|its|them|new))\b/iu,
  headless: /^(?:Of|What|Whether|Where|Who|Whoever|Whatever|Which|Those that|Those of)\b(?!.*\?$)/u,
  whatever: /[\p{L},;] (?:whatever|whichever|wherever|whoever)\b/iu,
  status: new RegExp(
    `\\b(?:is|are|was|were|be|becomes?) (?:an? )?${code}(?=$|[.,;:)]| (?:if|when|for|until|and|or|before|after|with|without|as|in|on|unless|there|then|too)\\b)`,
    'iu',
  ),
  adverb:
    /\b(?:anew|meanwhile)\b|(?:, |(?<!see) )(?:too|then|also)(?:[.;:)]|$)|\balso (?:behind|after|at|for|in|with|when|if)\b/iu,
  rare: /\b(?:mend(?:s|ed|ing)?|reckon\w*|seldom|beside|steers?|steered|tells?|told|somebody|whoever|in spite of|in good order|hands? out|handed out|thus|hence|likewise|lest|behold)\b/iu,
  a: new RegExp(
    `\\b(?:${number} (?:(?!(?:without|with|from|for|of|to|in|on|after|before|and|or|if|that|than|as|between|per)\\b)[\\p{L}-]+ ){1,2}|(?:${things}|once|twice) )an? ${unit}\\b(?! of\\b)`,
    'iu',
  ),
} as const;

/** A long sentence, or one of the named faults. */
export type Fault = 'long' | keyof typeof faults;
export const allFaults: readonly Fault[] = ['long', ...(Object.keys(faults) as (keyof typeof faults)[])];

export interface Found {
  readonly place: string;
  readonly fault: Fault;
  readonly text: string;
}

/** What one file has of one kind of text. */
export interface Measured {
  readonly file: string;
  /** The folder whose numbers are kept: of pages, of the comments of a package, of its messages. */
  readonly folder: string;
  readonly words: number;
  readonly sentences: number;
  readonly found: readonly Found[];
}

function faultsOf({ text, marked, isHeading }: Sentence, most: number): readonly Fault[] {
  const named = (Object.keys(faults) as (keyof typeof faults)[]).filter(
    (fault) => !(fault === 'headless' && isHeading) && faults[fault].test(marked),
  );
  return [...(wordsOf(text) > most ? (['long'] as const) : []), ...named];
}

export function measure(file: string, folder: string, sentences: readonly Sentence[], most = mostWords): Measured {
  return {
    file,
    folder,
    words: sentences.reduce((sum, { text }) => sum + wordsOf(text), 0),
    sentences: sentences.length,
    found: sentences.flatMap((sentence) =>
      faultsOf(sentence, most).map((fault) => ({ place: `${file}:${sentence.line}`, fault, text: sentence.text })),
    ),
  };
}

/** All pages but those of docs/api and docs/generated, which git ignores. */
export const pagesOf = (root: string) =>
  globSync('{*.md,docs/*.md,docs/!(api|generated)/*.md,{packages,lab}/*/README.md,lab/*.md,lab/docs/*.md}', {
    cwd: root,
  }).toSorted();

export const sourcesOf = (root: string) =>
  globSync('packages/*/{src,app,lua,sql}/**/*.{ts,tsx,css,lua,sql}', { cwd: root }).toSorted();

const texts: Readonly<Record<MessageKind, string>> = {
  message: 'messages',
  log: 'log lines',
  help: 'help',
  dashboard: 'texts',
};

/** All that people read: pages, comments, messages. */
export function measureAll(root: string): readonly Measured[] {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const packageOf = (file: string) => file.split('/').slice(0, 2).join('/');
  const pages = pagesOf(root).map((file) => {
    const folder = /^(?:docs\/[^/]+(?=\/)|packages|lab|docs|)/.exec(file)?.[0] || '.';
    return measure(file, `pages ${folder}`, sentencesOf(read(file)));
  });
  const comments = sourcesOf(root).map((file) =>
    measure(file, `comments ${packageOf(file)}`, sentencesOfComments(file, read(file))),
  );
  const messages = Object.entries(Object.groupBy(readMessages(root), ({ file, kind }) => `${kind} ${file}`)).map(
    ([, all = []]) => {
      const [{ file, kind } = { file: '', kind: 'message' as const }] = all;
      const sentences = all.flatMap(({ line, text }) => sentencesOfMessage(line, text));
      return measure(file, `${texts[kind]} ${packageOf(file)}`, sentences);
    },
  );
  return [...pages, ...comments, ...messages];
}

export type Totals = Readonly<Partial<Record<Fault, number>>>;

/** The number of each fault by folder, without zeros. */
export function totalsOf(all: readonly Measured[]): Readonly<Record<string, Totals>> {
  const folders = Object.groupBy(all, ({ folder }) => folder);
  return Object.fromEntries(
    Object.entries(folders).map(([folder, files = []]) => {
      const found = files.flatMap((file) => file.found);
      const numbers = allFaults.map((fault) => [fault, found.filter((each) => each.fault === fault).length] as const);
      return [folder, Object.fromEntries(numbers.filter(([, count]) => count > 0))];
    }),
  );
}
