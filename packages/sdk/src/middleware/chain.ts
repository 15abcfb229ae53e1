import { OJSValidationError } from '../errors.ts';

/**
 * Middleware in order, the first one outermost (ojs-middleware §3, §4). What is added is named by `name`, else by its function's name. A call under way keeps the
 * chain that it began with.
 */
export class MiddlewareChain<M extends (...args: never[]) => unknown> {
  #all: readonly M[] = [];
  /** At the same places. */
  #names: readonly string[] = [];

  /** Names in order, outermost first; '' for what has none. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Never changed in place: whoever holds it keeps the chain of that moment. The same array until something changes. */
  get all(): readonly M[] {
    return this.#all;
  }

  /** Innermost. @throws {OJSValidationError} for a name that is taken. */
  add(middleware: M, name?: string): this {
    return this.#insert(this.#all.length, middleware, name);
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
    this.#all = this.#all.toSpliced(place, 1);
    this.#names = this.#names.toSpliced(place, 1);
    return true;
  }

  #insert(place: number, middleware: M, name: string | undefined): this {
    if (typeof middleware !== 'function')
      throw OJSValidationError.of('middleware', `expected a function, got ${typeof middleware}`);
    if (name !== undefined && this.#find(name) >= 0)
      throw OJSValidationError.of('name', `there is a middleware "${name}" already`);
    this.#all = this.#all.toSpliced(place, 0, middleware);
    this.#names = this.#names.toSpliced(place, 0, name ?? middleware.name);
    return this;
  }

  #placeOf(target: M | string): number {
    const place = this.#find(target);
    if (place >= 0) return place;
    const wanted = typeof target === 'string' ? `"${target}"` : target.name || 'function';
    throw OJSValidationError.of(
      'target',
      `the chain has no middleware ${wanted}; it has ${JSON.stringify(this.#names)}`,
    );
  }

  #find(target: M | string): number {
    return typeof target === 'string' ? this.#names.indexOf(target) : this.#all.indexOf(target);
  }
}
