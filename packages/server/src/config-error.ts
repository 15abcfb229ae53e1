import { didYouMean, type Names, strangerIn, within } from '@ojs-ts/core';

/** A configuration that cannot be meant; the message says what, and what to do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** @throws {ConfigError} for what is no object of options, and for a name that is not in the list, at any depth. */
export function known(options: unknown, names: Names): void {
  const stranger = strangerIn(options, names);
  if (stranger === null) return;
  const listed = Object.keys(stranger.names);
  if (stranger.name === null) {
    throw new ConfigError(
      `${stranger.path || 'options'}: expected an object such as { ${listed[0]}: … }, got ${typeof stranger.value}`,
    );
  }
  const advice = didYouMean(stranger.name, listed) || ` There are ${listed.join(', ')}.`;
  throw new ConfigError(`${within(stranger.path, stranger.name)}: unknown option.${advice}`);
}
