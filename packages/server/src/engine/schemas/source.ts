import { isObject, type ValidationIssue } from '@ojs-ts/core';

/** A mistake in a schema. */
export class SchemaError extends Error {
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    super(issues[0]?.message ?? 'is not a JSON Schema');
    this.name = 'SchemaError';
    this.issues = issues;
  }
}

/**
 * The cost of entering a subschema: `weight` always, plus so much for each key and item of the value, and for each 4
 * characters.
 */
export interface Cost {
  readonly weight: number;
  readonly keys: number;
  readonly items: number;
  readonly length: number;
  /** It copies the list of errors: a reference does, if it fails. */
  readonly copies: boolean;
}

export type Source = Readonly<Record<string, unknown>>;

/** The keyword that has the cost of a subschema. */
export const costKeyword = 'ojsCost';

/** Compiling takes 0.2 to 0.6 ms for each. */
const maxSubschemas = 1_000;
/** Up to about 1 ms for each. */
const maxPatterns = 100;

/** Keywords of draft 2020-12 by the kind of their values. */
const one: ReadonlySet<string> = new Set(
  'additionalProperties unevaluatedProperties propertyNames items contains unevaluatedItems not if then else'.split(
    ' ',
  ),
);
const several: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const named: ReadonlySet<string> = new Set(
  'properties patternProperties $defs definitions dependentSchemas dependencies'.split(' '),
);
const plain: ReadonlySet<string> = new Set(
  `type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems
    minItems uniqueItems maxContains minContains maxProperties minProperties required dependentRequired format
    $id $ref $anchor $dynamicRef $dynamicAnchor`.split(/\s+/),
);
const overKeys = [
  'additionalProperties',
  'unevaluatedProperties',
  'patternProperties',
  'propertyNames',
  'minProperties',
  'maxProperties',
];
const overItems = ['items', 'unevaluatedItems'];
const overLength = ['minLength', 'maxLength'];
const references = ['$ref', '$dynamicRef'];
/**
 * In steps of a check: listing the names of a large object is slow, and each item that `contains` does not match makes
 * an error object.
 */
const [keyCost, foundCost] = [10, 20] as const;
/** In characters of a schema, which count a sixteenth of a step. */
const booleanCost = 64;

/**
 * The schema with only the keywords of the draft, each subschema with its cost; the tuples of older drafts (`items` as
 * an array) become `prefixItems`. Values of the wrong kind stay, for the meta-schema to refuse.
 * @throws SchemaError if the text is no object, or has too many subschemas.
 */
export function readSource(schema: unknown): Source {
  if (!isObject(schema)) throw new SchemaError([{ path: '$.schema', message: 'schema must be an object' }]);
  return new Reader().read(schema);
}

class Reader {
  #subschemas = 0;
  readonly #patterns = new Set<unknown>();

  read(schema: Source): Source {
    this.#subschemas += 1;
    if (this.#subschemas > maxSubschemas)
      throw new SchemaError([
        {
          path: '$.schema',
          message: `the schema must have at most ${maxSubschemas} subschemas; check the others in the handler`,
        },
      ]);
    for (const pattern of [
      schema.pattern,
      ...(isObject(schema.patternProperties) ? Object.keys(schema.patternProperties) : []),
    ])
      if (pattern !== undefined) this.#patterns.add(pattern);
    if (this.#patterns.size > maxPatterns)
      throw new SchemaError([
        {
          path: '$.schema',
          message: `the schema must have at most ${maxPatterns} patterns; check the others in the handler`,
        },
      ]);
    const entries: [string, unknown][] = [];
    let own = 0;
    for (const [name, value] of Object.entries(modern(schema))) {
      if (plain.has(name)) {
        entries.push([name, value]);
        own += JSON.stringify(value).length;
      } else if (one.has(name)) entries.push([name, this.#nested(value)]);
      else if (several.has(name)) {
        entries.push([name, Array.isArray(value) ? value.map((item) => this.#nested(item)) : value]);
        // A boolean among them is not entered, but makes an error.
        if (Array.isArray(value)) own += booleanCost * value.filter((item) => !isObject(item)).length;
      } else if (named.has(name)) entries.push([name, isObject(value) ? this.#each(value) : value]);
    }
    const has = (...names: readonly string[]) => names.some((name) => Object.hasOwn(schema, name));
    const cost: Cost = {
      weight: 1 + (own >> 4),
      keys: has(...overKeys) ? keyCost : 0,
      items: (has(...overItems) ? 1 : 0) + (has('contains') ? foundCost : 0),
      length: has(...overLength) ? 1 : 0,
      copies: has(...references),
    };
    return Object.fromEntries([...entries, [costKeyword, cost]]);
  }

  #nested(value: unknown): unknown {
    return isObject(value) ? this.read(value) : value;
  }

  #each(map: Source): Source {
    return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, this.#nested(value)]));
  }
}

function modern(schema: Source): Source {
  if (!Array.isArray(schema.items)) return schema;
  const { items: tuple, additionalItems, ...rest } = schema;
  return { ...rest, prefixItems: tuple, ...(additionalItems !== undefined && { items: additionalItems }) };
}
