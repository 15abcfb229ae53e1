import { didYouMean, findUnknownName, type Names, within } from '@ojs-ts/core';

/** An invalid configuration; the message says what is wrong, and what to do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** @throws {ConfigError} for a value that is no object of options, and for an unknown name, at any depth. */
export function checkOptions(options: unknown, names: Names): void {
  const unknown = findUnknownName(options, names);
  if (unknown === null) return;
  const listed = Object.keys(unknown.names);
  if (unknown.name === null) {
    throw new ConfigError(
      `${unknown.path || 'options'}: expected an object such as { ${listed[0]}: … }, got ${typeof unknown.value}`,
    );
  }
  const advice = didYouMean(unknown.name, listed) || ` There are ${listed.join(', ')}.`;
  throw new ConfigError(`${within(unknown.path, unknown.name)}: unknown option.${advice}`);
}

/** The result of `read`; its error becomes a `ConfigError`. */
export function configured<T>(read: () => T, where = ''): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError(`${where}${error instanceof Error ? error.message : String(error)}`);
  }
}
