// npm run bench -- NAME [options]: one benchmark, whose folder in `src` has its name. Without a name: ours by itself.
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { didYouMean } from '../../packages/core/src/suggestion.ts';

const names = globSync('*/main.ts', { cwd: join(import.meta.dirname, 'src') })
  .map((file) => dirname(file))
  .toSorted();
const [name] = process.argv.slice(2);

if (name === undefined || name.startsWith('-')) {
  await import('./src/main.ts');
} else if (names.includes(name)) {
  process.argv.splice(2, 1);
  await import(`./src/${name}/main.ts`);
} else {
  console.error(`bench: expected one of ${names.join(', ')}; got '${name}'.${didYouMean(name, names)}`);
  process.exitCode = 2;
}
