/** The actions of single keys. */
export type Keys = Readonly<Record<string, () => void>>;

/** Ctrl+C, which no longer makes a signal. */
export const interruptKey = '\u0003';

/** Reads single keys where the input is a terminal. Disposing makes it a usual terminal again, and so does the exit. */
export function listenForKeys(keys: Keys): Disposable {
  const { stdin } = process;
  if (!stdin.isTTY) return { [Symbol.dispose]() {} };
  const press = (typed: Buffer) => {
    for (const key of typed.toString()) keys[key.toLowerCase()]?.();
  };
  const usual = () => void stdin.setRawMode(false);
  stdin.setRawMode(true);
  process.on('exit', usual);
  stdin.on('data', press);
  return {
    [Symbol.dispose]() {
      stdin.off('data', press);
      stdin.pause();
      usual();
      process.off('exit', usual);
    },
  };
}
