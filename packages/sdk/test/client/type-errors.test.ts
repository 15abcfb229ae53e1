import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../../..');
const run = promisify(execFile);

const program = `import { Client, defineJob, type InputOf, type JobDef, type Jsonable, Worker } from '@ojs-ts/sdk';
import { SyncClient } from '@ojs-ts/sdk/sync';
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
const mail = defineJob<'mail.send', [to: string], { id: string }>('mail.send');
const worker = new Worker<{ 'a.b': { args: [n: number]; result: number } }>();
worker.register(mail, ({ args: [to] }) => to);
worker.register(mail, async ({ args: [to] }) => ({ id: to, ...{} }));
worker.handler('a.b', ({ args: [n] }) => String(n));
worker.register(mail, ({ args: [to] }) => ({ id: to.nope }));
await client.registerCronJob('c', '@daily', mail, ['a'], { tz: 'UTC' });
await client.registerCronJob('c', '@daily', mail, [1]);
new SyncClient().registerCronJob('c', '@daily', mail, ['a'], { tz: 'UTC' });
await client.getJob(mail, 3);
new Worker({ queues: ['mail'] });
await client.registerCronJob({ name: 'c', cron: '@daily', type: 'a.b', tz: 'UTC' });
await client.registerCronJob('c', '@daily', 'a.b', ['a'], { tz: 'UTC' });
`;

test('the compiler reports the wrong argument, not a list of overloads', async () => {
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
      ['(6,', `Type '"nope"' is not assignable to type '"reset" | "welcome"'`],
      ['(7,', 'Source has 1 element(s) but target requires 2'],
      ['(8,', "Type 'Date' is not assignable to type 'string'"],
      ['(9,', "Did you mean to write 'timeoutMs'?"],
      ['(10,', `Argument of type '"a.c"' is not assignable to parameter of type '"a.b"`],
      ['(11,', "Type 'string' is not assignable to type 'number'"],
      ['(18,', "Type 'string' is not assignable to type 'Promise<{ id: string; }> | { id: string; }'"],
      ['(20,', "Type 'string' is not assignable to type 'number | Promise<number>'"],
      ['(21,', "Property 'nope' does not exist on type 'string'"],
      ['(22,', "'tz' does not exist in type 'CronJobOptions & CallOptions'"],
      ['(23,', "Type 'number' is not assignable to type 'string'"],
      ['(24,', "'tz' does not exist in type 'CronJobOptions & SyncCallOptions'"],
      ['(25,', "Argument of type 'number' is not assignable to parameter of type 'string'"],
      ['(27,', "'tz' does not exist in type 'CronJobRequest'"],
      ['(28,', "'tz' does not exist in type 'CronJobOptions & CallOptions'"],
    ] as const;
    expect(errors).toEqual(expected.map(([place]) => expect.stringContaining(place)));
    expect(errors).toEqual(expected.map(([, words]) => expect.stringContaining(words)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
