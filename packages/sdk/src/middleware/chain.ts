import { OJSValidationError } from '../errors.ts';

/**
 * Middleware in order, the first one outermost (ojs-middleware §3, §4). A middleware has the given `name`, else the
 * name of its function. A call in flight keeps the chain that it started with.
 */
export class MiddlewareChain<M extends (...args: never[]) => unknown> {
  #all: readonly M[] = [];
  /** The names, in the same order. */
  #names: readonly string[] = [];

  /** Names in order, outermost first; '' for a middleware without a name. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** The middleware now. The array never changes; a change of the chain makes a new array. */
  get all(): readonly M[] {
    return this.#all;
  }

  /** Adds a middleware innermost. @throws {OJSValidationError} if the name is taken. */
  add(middleware: M, name?: string): this {
    return this.#insert(this.#all.length, middleware, name);
  }

  /** Adds a middleware outermost. @throws {OJSValidationError} if the name is taken. */
  prepend(middleware: M, name?: string): this {
    return this.#insert(0, middleware, name);
  }

  /**
   * Adds a middleware directly around `target`. @throws {OJSValidationError} if there is no `target`, or the name is
   * taken.
   */
  insertBefore(target: M | string, middleware: M, name?: string): this {
    return this.#insert(this.#placeOf(target), middleware, name);
  }

  /**
   * Adds a middleware directly inside `target`. @throws {OJSValidationError} if there is no `target`, or the name is
   * taken.
   */
  insertAfter(target: M | string, middleware: M, name?: string): this {
    return this.#insert(this.#placeOf(target) + 1, middleware, name);
  }

  /** Removes a middleware. @returns whether the chain had it. */
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
