/** The same methods, answering with promises. */
export type Promised<T> = {
  [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Answer>
    : T[Name];
};

/** Makes methods that answer at once answer with promises. An error that a method throws becomes a rejection. */
export function promised<T extends object>(methods: T): Promised<T>;
export function promised(methods: object): object {
  return Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [name, async (...args: unknown[]) => method(...args)]),
  );
}
