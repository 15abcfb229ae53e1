/** `node packages/core/test/vectors/write.ts` writes what core's rules answer now. */
import { writeFileSync } from 'node:fs';
import { textOf, vectors } from './vectors.ts';

for (const [subject, rules] of Object.entries(vectors)) {
  const lists = Object.entries(rules).map(([rule, list]) => `"${rule}": [\n${list.map(textOf).join(',\n')}\n]`);
  writeFileSync(new URL(`${subject}.json`, import.meta.url), `{${lists.join(',\n')}}\n`);
}
