/** The query language that selects jobs. */
import '../require-node.ts';

export { allOf, anyOf, type Condition, notOf, readsPayload } from './condition.ts';
export {
  type Field,
  type FieldName,
  fieldNamed,
  fieldNames,
  fields as queryFields,
  operatorsOf,
} from './fields.ts';
export { formatQuery } from './format.ts';
export * from './grouping.ts';
export { type Matcher, matcherOf } from './matcher.ts';
export * from './parse.ts';
export { describePlan, type Plan, planOf } from './plan.ts';
export { QueryError } from './query-error.ts';
export { stateWords } from './terms.ts';
