import { once } from 'node:events';
import { didYouMean } from '../../packages/core/src/suggestion.ts';
import { mutations } from './index.ts';
import { startMutant } from './start.ts';

// `node conformance/mutations/main.ts NAME [STORAGE]` starts a server with the mutation and prints its URL.
const [name = '', storage] = process.argv.slice(2);
const mutation = mutations.find((one) => one.name === name);
if (!mutation) {
  const names = mutations.map((one) => one.name);
  throw new Error(`"${name}" is no mutation.${didYouMean(name, names)}`);
}
await using server = await startMutant(mutation, storage);
console.log(`${server.url} has the mutation ${name}. Expected to fail: ${mutation.cases.join(', ')}`);
await once(process, 'SIGINT');
