import { expectTypeOf, test } from 'vitest';
import { defineJob, type JobRequest, job } from '../../src/index.ts';
import { batch, chain, type Done, dag, group, type WorkflowDefinition } from '../../src/workflow/definition.ts';

const create = defineJob<'user.create', [email: string], { id: string }>('user.create');
const count = defineJob<'user.count', [], number>('user.count');

type X<D> = D extends WorkflowDefinition<infer R> ? R : never;

test('results of workflows are typed', () => {
  const c = chain('c', [job(count, []), job(create, ['a'])]);
  expectTypeOf<X<typeof c>>().toEqualTypeOf<{ id: string }>();
  const g = group('g', [
    job(create, ['a']),
    { type: 'x.y', args: [1], tags: ['a'], retry: { nonRetryableErrors: ['x'] } },
    job(count, []),
  ]);
  expectTypeOf<X<typeof g>>().toEqualTypeOf<[{ id: string }, unknown, number]>();
  const b = batch('b', [job(create, ['a']), job(count, [])], { onComplete: { type: 'x.y', args: [] } });
  expectTypeOf<X<typeof b>>().toEqualTypeOf<[{ id: string } | Error, number | Error]>();
  const nested = chain('n', [g, group('h', [b, c])]);
  expectTypeOf<X<typeof nested>>().toEqualTypeOf<[[{ id: string } | Error, number | Error], { id: string }]>();
  const d = dag('d', {
    a: { job: job(create, ['a']) },
    b: { job: job(count, []), after: ['a'] },
    c: { job: { type: 'x.y', args: [], tags: ['q'] }, after: ['a', 'b'] },
  });
  expectTypeOf<X<typeof d>>().toEqualTypeOf<{ a: { id: string }; b: number; c: unknown }>();
  const list: JobRequest<[string], number>[] = [];
  const many = group('m', list);
  expectTypeOf<X<typeof many>>().toEqualTypeOf<number[]>();
  const all = group(
    'm',
    list.map((one) => one),
  );
  expectTypeOf<X<typeof all>>().toEqualTypeOf<number[]>();
  expectTypeOf<Done<{ type: string; args: [] }>>().toEqualTypeOf<unknown>();
  // @ts-expect-error there is no node c
  dag('d', { a: { job: job(count, []) }, b: { job: job(count, []), after: ['c'] } });
  // @ts-expect-error a node cannot wait for itself
  dag('d', { a: { job: job(count, []), after: ['a'] } });
  // @ts-expect-error args of the definition
  chain('c', [job(create, [1])]);
  // @ts-expect-error a job has a type
  chain('c', [{ args: [] }]);
});
