import type { Case } from '../src/index.ts';
import type { Rule, Section } from './rule.ts';

/** docs/internals/conformance.md as text. */
export function documentOf(sections: readonly Section[], cases: readonly Case[]): string {
  const levels = [0, 1, 2, 3, 4].map(
    (level) => `${cases.filter((one) => one.level === level).length} of level ${level}`,
  );
  const rules = sections.flatMap((section) => section.rules);
  const unseen = rules.filter((rule) => rule.cases.length === 0).length;
  return [
    '# Conformance',
    '<!-- Written by `node conformance/rules/write.ts` from conformance/rules and the cases. -->',
    `This page shows which case of ours checks which rule of the specification. ${rules.length} rules, ${cases.length} cases (${levels.join(', ')}); ${unseen} rules cannot be checked over HTTP in the time of a case: for those the table gives the reason and the test that checks them.`,
    references,
    official,
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

const references = `A reference names a document of Open Job Spec 1.0.0-rc.1 with a section (\`ojs-core §7.1\`) or a numbered requirement of that document (\`ojs-retry RET-01\`),
an official case (\`official L1-VIS-001\`), a row of [deviations.md](deviations.md) where documents disagree (\`deviations X13\`), an extension of this server in its manifest
(\`x-lease\`), or a page of this project.`;

/**
 * Of what `conformance/test/suites.test.ts` runs; the numbers are of the copy of the official cases that this project
 * is built with.
 */
const official = `## Official cases

\`OJS_SUITES=… npm run conformance -- --url … --reset\` runs the official cases against a server. \`conformance/test/suites.test.ts\` runs those that the project has on every
storage, level by level. All of them pass: 40 of level 0, 14 of level 1, 8 of level 2, 9 of level 3, 11 of level 4, of the 133 of these levels. The project does not have the others.

The official runner stops its claim at the first level with a failure. Its case L1-RTR-014 expects error types that its requests never name, so no honest server passes it.
If that case is part of the run, the official claim is therefore level 0. This page claims each level by the cases that can pass.`;

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
