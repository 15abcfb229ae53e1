import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { watchExports } from './hook.ts';

// `node lab/bugs/src/cases.ts STORAGE` reads names of bugs, one a line. It runs the cases of each on a server of its own
// with that bug, and prints its name and the ids of the cases that passed although they should fail. Bugs are planted and
// taken back in one process, because its start takes longer than most cases; only Lua scripts are read once for all.
watchExports();
const [{ startServer }, { caseBugs }, { loadSuite, runSuites }] = await Promise.all([
  import('@ojs-ts/server'),
  import('./index.ts'),
  import('../../../conformance/src/index.ts'),
]);
const folder = join(import.meta.dirname, '../../../conformance/cases');
const fileOf = new Map((await loadSuite(folder)).cases.map(({ id, file }) => [id, file]));
const bugs = await caseBugs();
const storage = process.argv[2] ?? 'memory:';

for await (const name of createInterface({ input: process.stdin })) {
  const [cases = '', plant] = bugs[name] ?? [];
  if (plant === undefined) throw new Error(`${name} is no bug.`);
  const undo = plant()();
  const server = await startServer({ storage, host: '127.0.0.1', port: 0, testMode: true, log: false });
  const passed: string[] = [];
  for (const id of cases.split(' ')) {
    const file = fileOf.get(id);
    if (file === undefined) throw new Error(`${name} names ${id}, which is no case.`);
    const options = { url: server.url, folders: [file.slice(0, file.lastIndexOf('/'))], reset: false, filter: id };
    const { failed } = await runSuites(options);
    if (failed === 0) passed.push(id);
  }
  undo();
  await server.close();
  console.log([name, ...passed].join(' '));
}
process.exit();
