import { isObject, type ValidationIssue } from '@ojs-ts/core';
import type { ErrorObject, Format, ValidateFunction } from 'ajv';
import { _, Ajv2020, type KeywordCxt, Name } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { RE2JS } from 're2js';
import { type Cost, costKeyword, readSource, SchemaError, type Source } from './source.ts';

/**
 * Steps of a check, at about 20 ns each. They grow with the args, but only to the maximum: in a recursive schema the
 * work may double with each level, so any text next to the deep one would pay for more of it.
 */
const base = 50_000;
const perCharacter = 20;
const most = 4_000_000;
/** Errors that a check may hold at once, each a few hundred bytes. Alternatives keep theirs until one succeeds. */
const maxErrors = 10_000;

/** Counts the work of a running check. Checks are synchronous, so one budget serves all of them. */
export class Budget {
  left = 0;

  /** The result of `work`; null if the work exceeds the budget of a text of `length` characters, or the stack. */
  run<T>(length: number, work: () => T, steps: number = base): T | null {
    this.left = Math.min(most, steps + perCharacter * length);
    try {
      return work();
    } catch (error) {
      if (error === this || error instanceof RangeError) return null;
      throw error;
    }
  }

  /** Called from within `work`. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw this;
  }
}

export interface ArgsIssue extends ValidationIssue {
  /** Position of the keyword within the schema, as a URI fragment. */
  readonly schema_path: string;
}

const dialect = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
/** A longer text matches no format; the expressions of some formats take quadratic time. */
const maxFormatted = 4_096;
const maxIssues = 20;
const tooMuch =
  'takes more work to check than this server allows; ' +
  'send smaller args, or tell alternatives apart before what they nest';
/** Steps for finding further issues after the first. */
const telling = 20_000;

/**
 * A compiled JSON Schema (draft 2020-12) for the args of a job. Schemas come from outside, so a check can neither hang
 * nor fill the memory: every subschema that is entered counts against a budget, patterns run in linear time (RE2),
 * references stay within the schema, and keywords outside the draft are ignored.
 */
export class SchemaValidator {
  readonly #schema: Source;
  readonly #first: ValidateFunction;
  #all: ValidateFunction | null = null;
  readonly #single: boolean;

  /** @throws SchemaError if the schema is invalid in draft 2020-12, or needs an unsupported feature. */
  constructor(schema: unknown) {
    this.#schema = readSource(schema);
    const declared = isObject(schema) ? schema.$schema : undefined;
    if (declared !== undefined && !(typeof declared === 'string' && dialect.test(declared))) {
      throw new SchemaError([{ path: '$.schema.$schema', message: '$schema must reference draft 2020-12' }]);
    }
    if (!meta.validateSchema(this.#schema)) {
      throw new SchemaError(
        (meta.errors ?? [])
          .slice(0, maxIssues)
          .map((error) => ({ path: at('$.schema', error), message: messageOf(error) })),
      );
    }
    this.#first = compile(this.#schema, false);
    this.#single = this.#schema.type === 'object';
  }

  /**
   * At most 20 issues of the args. A schema of an object checks the only argument.
   * @param args as parsed JSON.
   * @param length of their text, which determines the budget.
   */
  check(args: readonly unknown[], length: number): readonly ArgsIssue[] {
    const alone = this.#single && args.length === 1;
    const value = alone ? args[0] : args;
    const root = alone ? '$.args[0]' : '$.args';
    const issues = (errors: readonly ErrorObject[] | null | undefined) =>
      (errors ?? [])
        .slice(0, maxIssues)
        .map((error) => ({ path: at(root, error), message: messageOf(error), schema_path: error.schemaPath }));
    const valid = budget.run(length, () => this.#first(value));
    if (valid === null) return [{ path: root, message: tooMuch, schema_path: '#' }];
    if (valid) return [];
    const first = issues(this.#first.errors);
    this.#all ??= compile(this.#schema, true);
    const all = this.#all;
    return budget.run(0, () => all(value), telling) === null ? first : issues(all.errors);
  }
}

/** The keywords of the draft; others are annotations. */
const formatNames = [
  'date',
  'time',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uri-reference',
  'uri-template',
  'uuid',
  'json-pointer',
  'relative-json-pointer',
  'regex',
] as const;
const formats = formatNames.map((name) => [name, bounded(fullFormats[name])] as const);

const budget = new Budget();
/** Validates schemas themselves, and stores none of them. */
const meta = new Ajv2020({ strict: false, logger: false, validateFormats: false, addUsedSchema: false });

/**
 * A separate instance for each schema: no schema can refer to another one or clash with it, and a removed one is
 * collected.
 */
function compile(schema: Source, allErrors: boolean): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    ownProperties: true,
    multipleOfPrecision: 9,
    // A large definition with many references would be generated as often.
    inlineRefs: false,
    code: { regExp: Object.assign(expression, { code: '' }) },
  });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    compile: unique,
    error: { message: 'must NOT have duplicate items' },
  });
  ajv.addKeyword({ keyword: costKeyword, before: '$ref', schemaType: 'object', code: count });
  for (const [name, check] of formats) ajv.addFormat(name, check);
  try {
    return ajv.compile(schema);
  } catch (error) {
    if (error instanceof SchemaError) throw error;
    throw new SchemaError([{ path: '$.schema', message: reason(error) }]);
  }
}

function reason(error: unknown): string {
  if (error instanceof Error && 'missingRef' in error) {
    return (
      `$ref ${String(error.missingRef).slice(0, 200)} is not within this schema; ` +
      'references to other documents are not followed'
    );
  }
  return error instanceof Error ? error.message.slice(0, 300) : 'cannot be compiled';
}

/** The list of errors in the code that the compiler writes; null while there are none. */
const vErrors = new Name('vErrors');

/** Counts a subschema each time it is entered, before the subschemas that it refers to. */
function count({ gen, data, schema }: KeywordCxt): void {
  const { weight, keys, items, length, copies } = schema as Cost;
  const left = _`${gen.scopeValue('obj', { ref: budget })}.left`;
  gen.code(_`${left} -= ${weight}`);
  gen.if(_`${vErrors} !== null`, () => {
    gen.code(_`if (${vErrors}.length > ${maxErrors}) ${left} = -1`);
    if (copies) gen.code(_`${left} -= ${vErrors}.length >> 3`);
  });
  if (keys > 0)
    gen.code(
      _`if (typeof ${data} == "object" && ${data} && !Array.isArray(${data})) ${left} -= ${keys} * Object.keys(${data}).length`,
    );
  if (items > 0) gen.code(_`if (Array.isArray(${data})) ${left} -= ${items} * ${data}.length`);
  if (length > 0) gen.code(_`if (typeof ${data} == "string") ${left} -= ${data}.length >> 2`);
  gen.if(_`${left} < 0`, () => gen.throw(gen.scopeValue('obj', { ref: budget })));
}

/** A pattern in linear time for any text. Lookaround and backreferences are not supported. */
function expression(pattern: string): { readonly test: (text: string) => boolean; readonly toString: () => string } {
  const path = '$.schema';
  const quoted = JSON.stringify(pattern.slice(0, 100));
  if (pattern.length > 1_024)
    throw new SchemaError([
      {
        path,
        message:
          `the pattern ${quoted}… has ${pattern.length.toLocaleString('en')} characters, expected at most 1,024. ` +
          'Split it with anyOf or allOf.',
      },
    ]);
  try {
    new RegExp(pattern, 'u');
  } catch {
    throw new SchemaError([{ path, message: `the pattern ${quoted} is not a regular expression of ECMA-262` }]);
  }
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    const size = compiled.programSize();
    return {
      // Under this name the compiler keeps the pattern apart from others.
      toString: () => pattern,
      test(text) {
        budget.spend(text.length + ((text.length * size) >> 6));
        return compiled.test(text);
      },
    };
  } catch {
    const message =
      `the pattern ${quoted} cannot be matched in linear time; ` +
      'lookahead, lookbehind and backreferences are not supported, nor repetitions of more than 1,000';
    throw new SchemaError([{ path, message }]);
  }
}

/** The draft's `uniqueItems` in one pass: the usual comparison of all pairs takes an hour for the largest envelope. */
function unique(wanted: boolean): (items: readonly unknown[]) => boolean {
  if (!wanted) return () => true;
  return (items) => {
    const seen = new Set<string>();
    for (const item of items) {
      const text = canonical(item);
      budget.spend(1 + (text.length >> 4));
      if (seen.has(text)) return false;
      seen.add(text);
    }
    return true;
  };
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'number') return String(value + 0);
  if (!isObject(value)) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

/** A format of the draft for texts of bounded length. */
function bounded(format: Format): (text: string) => boolean {
  const validate = typeof format === 'object' && 'validate' in format ? format.validate : format;
  if (validate instanceof RegExp) return (text) => inBounds(text) && validate.test(text);
  if (typeof validate !== 'function') throw new TypeError('A format of texts is neither an expression nor a function.');
  return (text) => inBounds(text) && (validate as (text: string) => unknown)(text) === true;
}

function inBounds(text: string): boolean {
  budget.spend(text.length >> 1);
  return text.length <= maxFormatted;
}

/** JSONPath of an error, from its JSON pointer. */
function at(root: string, { instancePath }: ErrorObject): string {
  const steps = instancePath.split('/').slice(1);
  return steps.reduce((path, raw) => {
    const name = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    if (/^\d+$/.test(name)) return `${path}[${name}]`;
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name.slice(0, 200))}]`;
  }, root);
}

function messageOf({ keyword, message = 'is not valid', params }: ErrorObject): string {
  if (keyword === 'additionalProperties')
    return `${message}: ${JSON.stringify(String(params.additionalProperty).slice(0, 200))}`;
  if (keyword === 'enum' && Array.isArray(params.allowedValues))
    return `${message}: ${JSON.stringify(params.allowedValues).slice(0, 300)}`;
  if (keyword === 'const') return `${message} ${JSON.stringify(params.allowedValue).slice(0, 300)}`;
  return message;
}
