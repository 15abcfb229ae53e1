import { OJSValidationError } from '../errors.ts';

interface Entry<M> {
  readonly middleware: M;
  readonly name: string;
}

/**
 * Middleware in order, the first one outermost (ojs-middleware §3, §4). What is added is named by `name`, else by its function's name. A call under way keeps the
 * chain that it began with.
 */
export class MiddlewareChain<M extends (...args: never[]) => unknown> {
  #entries: readonly Entry<M>[] = [];
  #all: readonly M[] = [];

  /** Names in order, outermost first; '' for what has none. */
  get names(): readonly string[] {
    return this.#entries.map(({ name }) => name);
  }

  /** Never changed in place: whoever holds it keeps the chain of that moment. The same array until something changes. */
  get all(): readonly M[] {
    return this.#all;
  }

  /** Innermost. @throws {OJSValidationError} for a name that is taken. */
  add(middleware: M, name?: string): this {
    return this.#insert(this.#entries.length, middleware, name);
  }

  /** Outermost. @throws {OJSValidationError} for a name that is taken. */
  prepend(middleware: M, name?: string): this {
    return this.#insert(0, middleware, name);
  }

  /** Just around `target`. @throws {OJSValidationError} where the chain has no such middleware, or the name is taken. */
  insertBefore(target: M | string, middleware: M, name?: string): this {
    return this.#insert(this.#placeOf(target), middleware, name);
  }

  /** Just inside `target`. @throws {OJSValidationError} where the chain has no such middleware, or the name is taken. */
  insertAfter(target: M | string, middleware: M, name?: string): this {
    return this.#insert(this.#placeOf(target) + 1, middleware, name);
  }

  /** Answers whether it was there. */
  remove(target: M | string): boolean {
    const place = this.#find(target);
    if (place < 0) return false;
    this.#become(this.#entries.toSpliced(place, 1));
    return true;
  }

  #insert(place: number, middleware: M, name: string | undefined): this {
    if (typeof middleware !== 'function') throw OJSValidationError.of('middleware', `expected a function, got ${typeof middleware}`);
    if (name !== undefined && this.names.includes(name))
      throw OJSValidationError.of('name', `there is a middleware ${JSON.stringify(name)} already`);
    this.#become(this.#entries.toSpliced(place, 0, { middleware, name: name ?? middleware.name }));
    return this;
  }

  #become(entries: readonly Entry<M>[]): void {
    this.#entries = entries;
    this.#all = entries.map(({ middleware }) => middleware);
  }

  #placeOf(target: M | string): number {
    const place = this.#find(target);
    if (place < 0) {
      const wanted = typeof target === 'string' ? JSON.stringify(target) : target.name || 'function';
      throw OJSValidationError.of('target', `the chain has no middleware ${wanted}; it has ${JSON.stringify(this.names)}`);
    }
    return place;
  }

  #find(target: M | string): number {
    return this.#entries.findIndex(({ middleware, name }) => (typeof target === 'string' ? name === target : middleware === target));
  }
}
