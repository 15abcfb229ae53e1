import { expect, expectTypeOf, test } from 'vitest';
import { defineJob, type JobContext, type Kept, type StepInfo } from '../../../src/index.ts';

test('a step returns what JSON keeps of its value', () => {
  expectTypeOf<Kept<{ at: Date; ids: string[]; none: undefined }>>().toEqualTypeOf<{
    at: string;
    ids: string[];
    none: undefined;
  }>();
  expectTypeOf<Kept<() => void>>().toEqualTypeOf<never>();
  expectTypeOf<Kept<unknown>>().toEqualTypeOf<unknown>();
});

const receipt = defineJob<'receipt.send', [order: string], void>('receipt.send');

/** Compiled only. */
async function handler({ step, sleep, poll, enqueue }: JobContext): Promise<void> {
  expectTypeOf(await step('sync', () => ({ at: new Date() }))).toEqualTypeOf<{ at: string }>();
  expectTypeOf(await step('async', async ({ key }: StepInfo) => key, { retry: false, timeout: '5s' })).toBeString();
  await step('undo', () => ({ at: new Date() }), {
    undo: ({ result }) => expectTypeOf(result).toEqualTypeOf<{ at: string } | undefined>(),
  });
  expectTypeOf(await poll('ready', () => (Math.random() > 0.5 ? 1 : undefined), { every: '1h' })).toEqualTypeOf<
    number | undefined
  >();
  expectTypeOf(await sleep('pause', new Date())).toBeVoid();
  expectTypeOf(await enqueue('receipt', receipt, ['o-1'], { queue: 'mail' })).toBeString();
  await enqueue('by name', 'any.type', [1]);
  // @ts-expect-error The args of the definition are a text.
  await enqueue('wrong', receipt, [1]);
  // @ts-expect-error The id follows from the job and the name.
  await enqueue('own id', receipt, ['o-1'], { id: '' });
  // @ts-expect-error A poll needs a pause.
  await poll('no pause', () => 1, {});
}

test('the methods of the context may be destructured', () => {
  expect(handler).toBeTypeOf('function');
});
