import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OJSError } from '../../src/index.ts';
import { compose, type Layer } from '../../src/middleware/compose.ts';

type Words = readonly string[];

/** Notes when it is entered and left. */
const noting =
  (seen: string[], name: string): Layer<Words, string> =>
  async (input, next) => {
    seen.push(`${name} in`);
    try {
      return `${name}(${await next([...input, name])})`;
    } finally {
      seen.push(`${name} out`);
    }
  };

describe('compose (ojs-middleware §3.2, §4.2, §6)', () => {
  test('the first layer is outermost; each gets the input of the layer before, and the result returns through all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 8 }), async (names) => {
        const seen: string[] = [];
        const run = compose(
          names.map((name) => noting(seen, name)),
          (input: Words) => input.join(),
        );
        const closing = ')'.repeat(names.length);
        expect(await run([])).toBe(`${names.map((name) => `${name}(`).join('')}${names.join()}${closing}`);
        expect(seen).toEqual([
          ...names.map((name) => `${name} in`),
          ...names.toReversed().map((name) => `${name} out`),
        ]);
      }),
    );
  });

  test('an error passes through every outer layer, thrown or rejected, by a layer or by the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(6), fc.nat(7), fc.boolean(), async (count, at, sync) => {
        const seen: string[] = [];
        const fail = () => {
          if (sync) throw new Error('broken');
          return Promise.reject(new Error('broken'));
        };
        const layers = Array.from({ length: count }, (_, n) => (n === at ? fail : noting(seen, `${n}`)));
        const run = compose(layers, at >= count ? fail : () => 'end');
        await expect(run([])).rejects.toThrow('broken');
        const outside = Array.from({ length: Math.min(at, count) }, (_, n) => `${n}`);
        expect(seen).toEqual([
          ...outside.map((name) => `${name} in`),
          ...outside.toReversed().map((name) => `${name} out`),
        ]);
      }),
    );
  });

  // A fault of other SDKs: a retry middleware always ended in "next() called multiple times".
  test('next() may be called again after it has rejected, and each inner layer runs again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5), fc.nat(5), fc.nat(3), async (failures, tries, inside) => {
        let left = failures;
        let runs = 0;
        const seen: string[] = [];
        const retry: Layer<Words, string> = async (_, next) => {
          for (let n = 0; ; n++) {
            try {
              return await next();
            } catch (error) {
              if (n === tries) throw error;
            }
          }
        };
        const layers = [retry, ...Array.from({ length: inside }, (_, n) => noting(seen, `${n}`))];
        const outcome = await compose(layers, () => {
          runs++;
          if (left-- > 0) throw new Error(`failure ${runs}`);
          return 'done';
        })([]).catch((error: unknown) => error);
        expect(runs).toBe(Math.min(failures, tries) + 1);
        expect(seen).toHaveLength(runs * inside * 2);
        if (failures <= tries) expect(outcome).toContain('done');
        else expect(outcome).toMatchObject({ message: `failure ${tries + 1}` });
      }),
    );
  });

  test.each<[string, Layer<number, number>]>([
    ['while it is pending', async (_, next) => (await Promise.all([next(), next()]))[0]],
    ['after it has fulfilled', async (_, next) => (await next()) + (await next())],
  ])('next called twice %s rejects, and the inside runs once', async (_, layer) => {
    let runs = 0;
    await expect(compose([layer], () => ++runs)(0)).rejects.toBeInstanceOf(OJSError);
    expect(runs).toBe(1);
  });

  test('next() rejects after its layer has ended', async () => {
    let runs = 0;
    let later: () => Promise<number> = async () => 0;
    const layer: Layer<number, number> = async (_, next) => {
      later = next;
      return 7;
    };
    expect(await compose([layer], () => ++runs)(0)).toBe(7);
    await expect(later()).rejects.toBeInstanceOf(OJSError);
    expect(runs).toBe(0);
  });

  test('without layers the end runs alone; a layer that does not call next() replaces it', async () => {
    expect(await compose<number, number>([], (input) => input + 1)(1)).toBe(2);
    expect(await compose<number, string>([async () => 'short'], () => 'end')(1)).toBe('short');
  });
});
