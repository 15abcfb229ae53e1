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
      if (ended || !open)
        throw new OJSError(
          `Middleware ${layer.name || `number ${index + 1}`} called next() ` +
            `${ended ? 'after it had ended; await it' : 'again before the first call had rejected'}.`,
        );
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
