import type { Case } from '../src/index.ts';
import type { Rule, Section } from './index.ts';

/** docs/generated/conformance.md as text. */
export function documentOf(sections: readonly Section[], cases: readonly Case[]): string {
  const levels = [0, 1, 2, 3, 4].map(
    (level) => `${cases.filter((one) => one.level === level).length} of level ${level}`,
  );
  const rules = sections.flatMap((section) => section.rules);
  const unseen = rules.filter((rule) => rule.cases.length === 0).length;
  return [
    '# Conformance',
    '<!-- Written by `npm run docs` from conformance/rules and the cases. -->',
    `This page shows which case of ours checks which rule of the specification. ${rules.length} rules, ${cases.length} cases (${levels.join(', ')}); ${unseen} rules cannot be checked over HTTP in the time of a case: for those the table gives the reason and the test that checks them.`,
    'conformance/README.md explains the references.',
    '## Rules',
    ...sections.map(
      ({ title, rules: own }) => `### ${title}\n\n${table(['rule', 'reference', 'checked by'], own.map(ruleRow))}`,
    ),
    '## Cases',
    'Each case has a bug in `lab/bugs` that makes it fail.',
    ...[0, 1, 2, 3, 4].map((level) => {
      const rows = cases.filter((one) => one.level === level).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return `### Level ${level}\n\n${table(
        ['case', 'what'],
        rows.map((one) => [code(one.id), one.description]),
      )}`;
    }),
  ]
    .join('\n\n')
    .concat('\n');
}

function ruleRow({ ref, must, cases, tests = [], why }: Rule): readonly string[] {
  const named = tests.map(([file, name]) => `${code(file)} (“${name}”)`);
  const held = [...cases.map(code), ...named];
  const reason = why === undefined ? '' : `${why}${held.length > 0 ? ': ' : ''}`;
  return [must, ref, `${reason}${held.join(', ')}`];
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}
