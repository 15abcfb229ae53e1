// Imports and requires every name that it is given, and says what came of each.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const said = [];
for (const name of process.argv.slice(2)) {
  said.push([
    name,
    'import',
    await import(name).then(
      () => 'ok',
      ({ message }) => message,
    ),
  ]);
  try {
    require(name);
    said.push([name, 'require', 'ok']);
  } catch ({ message }) {
    said.push([name, 'require', message]);
  }
}
console.log(JSON.stringify(said));
