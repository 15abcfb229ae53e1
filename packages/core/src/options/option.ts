import { isObject } from '../json/json.ts';
import { within } from '../known-names.ts';
import { didYouMean } from '../suggestion.ts';

/** One option of the server: its variable, flag, help, default, checks and answer of the settings. */
export interface Option<Given, Value = Given> {
  readonly variable: string;
  /** As the command line takes it, such as `--port <number>`. */
  readonly flag: string;
  /** One sentence for the help and for docs/reference/server.md. */
  readonly help: string;
  readonly fallback: Value;
  /** The default in the help; null where the help names none. */
  readonly defaultText: string | null;
  /** The end of the message for a bad variable or flag, such as `a whole number from 1 to 9`. */
  readonly expected: string;
  /** The same for a bad value in a program, where it differs. */
  readonly expectedValue?: string;
  readonly choices?: readonly string[];
  /** True if no message and no answer may contain the value. */
  readonly isSecret?: true;
  /** The option of a program that a text of a variable or flag means; null if the text has another form. */
  given(text: string): Given | null;
  /** The value in use; null for one of another type or out of bounds. */
  value(given: unknown): Value | null;
  /** The value in the answer of the settings. */
  shown(value: Value): SettingValue;
  /** True for a variable that other software sets. */
  ignores?(text: string): boolean;
}

export type SettingValue = string | number | boolean | null | readonly string[];

/** A setting of the server, and where its value comes from. Never a secret. */
export interface Setting {
  readonly value: SettingValue;
  /** `option`: a flag, or an option of `startServer`. */
  readonly origin: 'option' | 'environment' | 'default';
  /** The environment variable of the setting. */
  readonly variable: string;
}

/** Options by their names in a program. */
export interface Options {
  readonly [name: string]: Option<unknown> | Options;
}

/** The values that a program may give. */
export type OptionsOf<T> = {
  readonly [K in keyof T]?: T[K] extends Option<infer Given, infer _> ? Given : OptionsOf<T[K]>;
};

/** The values in use. */
export type ValuesOf<T> = {
  readonly [K in keyof T]: T[K] extends Option<infer _, infer Value> ? Value : ValuesOf<T[K]>;
};

/** The names of options, for a check of unknown ones. */
export type NamesIn<T> = { readonly [K in keyof T]: T[K] extends Option<infer _, infer _> ? true : NamesIn<T[K]> };

export type Environment = Readonly<Record<string, string | undefined>>;

type Leaf = (row: Option<unknown>, path: string, given: unknown) => unknown;

/** An object in the shape of the options; a leaf that is undefined is left out. */
function shaped(options: Options, given: unknown, leaf: Leaf, path = ''): object {
  const built: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(options)) {
    const inner = isObject(given) ? given[name] : undefined;
    const place = within(path, name);
    const value = isOption(row) ? leaf(row, place, inner) : shaped(row, inner, leaf, place);
    if (value !== undefined) built[name] = value;
  }
  return built;
}

function isOption(row: Options[string]): row is Option<unknown> {
  return typeof row.variable === 'string';
}

export function namesOf<T extends Options>(options: T): NamesIn<T> {
  return shaped(options, {}, () => true) as NamesIn<T>;
}

/** The options of a program from one function, which returns undefined for an option that is not given. */
export function gather<T extends Options>(options: T, given: (row: Option<unknown>) => unknown): OptionsOf<T> {
  return shaped(options, {}, given) as OptionsOf<T>;
}

export function listOptions(options: Options): readonly Option<unknown>[] {
  const rows: Option<unknown>[] = [];
  shaped(options, {}, (row) => rows.push(row));
  return rows;
}

/** Merges a program's values over the defaults, without a check. */
export function withDefaults<T extends Options>(options: T, given: OptionsOf<T>): ValuesOf<T> {
  return shaped(options, given, (row, _, value) => value ?? row.fallback) as ValuesOf<T>;
}

/**
 * Merges a program's values over the environment over the defaults, and notes the source of each value.
 * @throws RangeError for a value of another type or out of bounds.
 */
export function readOptions<T extends Options>(
  options: T,
  given: OptionsOf<T>,
  env: Environment = {},
): { readonly values: ValuesOf<T>; readonly settings: Readonly<Record<string, Setting>> } {
  const settings: Record<string, Setting> = {};
  const values = shaped(options, given, (row, path, value) => {
    const { variable } = row;
    const [origin, read] = valueInUse(row, path, value, env[variable] ?? '');
    settings[variable.slice('OJS_'.length).toLowerCase()] = { value: row.shown(read), origin, variable };
    return read;
  });
  return { values: values as ValuesOf<T>, settings };
}

/** Empty texts count as absent. */
function valueInUse(row: Option<unknown>, path: string, given: unknown, text: string) {
  const { variable, expected, expectedValue = expected, fallback } = row;
  if (given !== undefined && given !== null && given !== '')
    return ['option', checked(row, given, path, JSON.stringify(given), expectedValue)] as const;
  if (text === '' || row.ignores?.(text)) return ['default', fallback] as const;
  return ['environment', checked(row, row.given(text), variable, text, expected)] as const;
}

function checked(row: Option<unknown>, given: unknown, where: string, shown: string, expected: string): unknown {
  const value = row.value(given);
  if (value !== null) return value;
  if (row.isSecret) throw new RangeError(`${where}: expected ${expected}`);
  const advice = didYouMean(shown.replaceAll('"', ''), row.choices ?? []);
  throw new RangeError(`${where} is ${shown}; expected ${expected}${advice && `.${advice}`}`);
}
