/** What an operation costs, each a unit of it. `µs` is CPU of Node and of the store together. */
export const units = ['µs', 'µs of the store', 'commands', 'log bytes', 'bytes', 'ms', 'jobs', 'share'] as const;
export type Unit = (typeof units)[number];
export type Cost = Readonly<Partial<Record<Unit, number>>>;
