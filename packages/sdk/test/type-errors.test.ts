import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);

const program = `import { Client, defineJob, type InputOf, type JobDef, type Jsonable } from '@ojs-ts/sdk';
const client = new Client();
const typed = new Client<{ 'a.b': { args: [n: number] } }>();
const emailSend = defineJob<'email.send', [to: string, template: 'welcome' | 'reset']>('email.send');
await client.enqueue(emailSend, ['a', 'nope']);
await client.enqueue(emailSend, ['a']);
await client.enqueue(emailSend, [new Date(), 'reset']);
await client.enqueue('x.y', [], { timeout_ms: 3 });
await typed.enqueue('a.c', [1]);
await typed.enqueue('a.b', ['1']);
// Within a generic function the form for definitions alone holds.
export async function wrapped<D extends JobDef>(definition: D, args: Jsonable<InputOf<D>>): Promise<string> {
  return (await client.enqueue(definition, args)).id;
}
`;

test('the compiler says what is wrong with a call, not which form of it was meant', async () => {
  const home = join(root, 'packages/sdk/node_modules');
  mkdirSync(home, { recursive: true });
  const folder = mkdtempSync(join(home, '.snippets-'));
  try {
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    writeFileSync(join(folder, 'program.ts'), program);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const said = await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    );
    const errors = said.split(/^program\.ts(?=\()/m).slice(1);
    const expected = [
      ['(5,', `Type '"nope"' is not assignable to type '"reset" | "welcome"'`],
      ['(6,', 'Source has 1 element(s) but target requires 2'],
      ['(7,', "Type 'Date' is not assignable to type 'string'"],
      ['(8,', "Did you mean to write 'timeoutMs'?"],
      ['(9,', `Argument of type '"a.c"' is not assignable to parameter of type '"a.b"`],
      ['(10,', "Type 'string' is not assignable to type 'number'"],
    ] as const;
    expect(errors).toEqual(expected.map(([place]) => expect.stringContaining(place)));
    expect(errors).toEqual(expected.map(([, words]) => expect.stringContaining(words)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
