import { OJSError } from '../errors.ts';

/** One layer around the inner ones. `next()` without an argument passes the same input on. */
export type Layer<I, O> = (input: I, next: (input?: I) => Promise<O>) => Promise<O>;

/**
 * Composes the layers around `last` into one function, the first one outermost (ojs-middleware §3, §4.2). A layer may
 * call `next` again after it has rejected, as a retry does. `next` rejects while an earlier call is pending, after one
 * has fulfilled, and after the layer has ended.
 */
export function compose<I, O>(
  layers: readonly Layer<I, O>[],
  last: (input: I) => O | Promise<O>,
): (input: I) => Promise<O> {
  const from = async (index: number, input: I): Promise<O> => {
    const layer = layers[index];
    if (layer === undefined) return last(input);
    let open = true;
    let ended = false;
    const next = async (changed: I = input): Promise<O> => {
      if (ended) throw new OJSError('next() was called after its middleware had ended.');
      if (!open) throw new OJSError('next() was called while an earlier call was pending or after one had fulfilled.');
      open = false;
      try {
        return await from(index + 1, changed);
      } catch (error) {
        open = true;
        throw error;
      }
    };
    try {
      return await layer(input, next);
    } finally {
      ended = true;
    }
  };
  return (input) => from(0, input);
}
