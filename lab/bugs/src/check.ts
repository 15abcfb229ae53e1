import { watchExports } from './hook.ts';

// `node lab/bugs/src/check.ts` looks up what every bug changes, and plants none. It prints the bugs that fit nowhere, and
// the cases that bugs name.
watchExports();
const { allBugs, bugsOf } = await import('./index.ts');
const problems: string[] = [];
for (const [bug, plant] of await allBugs()) {
  try {
    plant();
  } catch (error) {
    problems.push(`${bug}: ${error instanceof Error ? error.message : error}`);
  }
}
const cases = Object.values(await bugsOf('cases')).flatMap(([ids]) => ids.split(' '));
console.log(JSON.stringify({ problems, cases }));
