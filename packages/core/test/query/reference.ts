import { fingerprintOf, type JobRecord, normalisedMessage, stateName } from '../../src/job/index.ts';
import type { JsonPattern, JsonTest, Pattern, Term, TimeTest } from '../../src/query/condition.ts';
import type { Condition } from '../../src/query/index.ts';
import { compare, fraction } from '../support/fractions.ts';
import { now, type Sample, type Tree, treeText } from '../support/samples.ts';

/** Whether the job matches, found out in another way: over trees in place of texts, and fractions of integers. */
export function isMatch(condition: Condition, sample: Sample): boolean {
  if (condition.kind === 'all') return !condition.of.some((part) => !isMatch(part, sample));
  if (condition.kind === 'any') return condition.of.filter((part) => isMatch(part, sample)).length > 0;
  return condition.kind === 'not' ? !isMatch(condition.of, sample) : fitsTerm(condition, sample);
}

const stateOrder = 'scheduled available pending active completed retryable cancelled discarded'.split(' ');

function fitsTerm(term: Term, sample: Sample): boolean {
  const { job } = sample;
  switch (term.kind) {
    case 'states':
      return (term.mask >> stateOrder.indexOf(stateName(job.state))) % 2 === 1;
    case 'flag':
      return term.value === job.deadLetter;
    case 'text':
      return textsOf(term.field, sample).some((text) =>
        term.values.some((pattern) => like(text, asCompared(term.field, pattern))),
      );
    case 'part':
      return textsOf(term.field, sample).some((text) => includes(text, term.parts));
    case 'number': {
      const order = (bound: string) =>
        compare(fraction(String(term.field === 'priority' ? job.priority : job.attempt)), fraction(bound));
      const { test } = term;
      return test.operator === ':'
        ? test.values.some((one) => order(one) === 0)
        : holds(order(test.value), test.operator);
    }
    case 'time': {
      const at = timeOf(term.field, job);
      return at !== null && fitsTime(at, term.test);
    }
    case 'age':
      return holds(now - job.createdAt - term.ms, term.operator);
    case 'json': {
      const document = sample.documents[term.field];
      const value = document === null ? undefined : walk(document, term.path);
      return value !== undefined && fitsTree(value, term.test);
    }
  }
}

/** The last error of a job that is retryable or discarded. */
function failure({ job, errors }: Sample) {
  return ['retryable', 'discarded'].includes(stateName(job.state)) ? errors.slice(-1) : [];
}

function textsOf(field: Extract<Term, { kind: 'part' }>['field'], sample: Sample) {
  const { job, documents, errors, tags } = sample;
  const messages = errors.flatMap(({ code, type, message }) => [code, type, message]);
  const one = { id: job.id, queue: job.queue, type: job.type, worker: job.worker, cron: job.cron };
  switch (field) {
    case 'tag':
      return tags;
    case 'error':
      return messages;
    case 'fingerprint':
      return failure(sample).map(fingerprintOf);
    case 'message':
      return failure(sample).map(({ message }) => normalisedMessage(message));
    case 'unique':
      return job.uniqueKey === null ? [] : [job.uniqueKey];
    case 'limit':
      return [...job.limits, `queue:${job.queue}`];
    case 'workflow':
      return job.node === null ? [] : [job.node.workflow];
    case 'text':
      return [job.id, job.type, job.queue, treeText(documents.args), treeText(documents.meta), ...messages];
    default:
      return [one[field]].filter((text) => text !== null);
  }
}

function asCompared(field: string, { kind, text }: Pattern): Pattern {
  return { kind, text: field === 'message' && kind === 'exact' ? normalisedMessage(text) : text };
}

function like(text: string, { kind, text: wanted }: Pattern): boolean {
  return (kind === 'exact' ? text : text.slice(0, wanted.length)) === wanted;
}

function includes(text: string, parts: readonly string[]): boolean {
  return parts.some((part) => text.toLowerCase().split(part.toLowerCase()).length > 1);
}

function timeOf(field: Extract<Term, { kind: 'time' }>['field'], job: JobRecord): number | null {
  if (field === 'scheduled') return ['scheduled', 'retryable'].includes(stateName(job.state)) ? job.runAt : null;
  return { created: job.createdAt, enqueued: job.enqueuedAt, started: job.startedAt, finished: job.finishedAt }[field];
}

function fitsTime(at: number, { operator, value }: TimeTest): boolean {
  if (value === 'present') return true;
  if (value.kind === 'day') {
    const [day, bound] = [at, value.at].map((ms) => new Date(ms).toISOString().slice(0, 10));
    return holds((day ?? '').localeCompare(bound ?? ''), operator);
  }
  return holds(at - (value.kind === 'relative' ? now + value.ms : value.at), operator);
}

function holds(order: number, operator: string): boolean {
  return (
    (operator.includes('<') && order < 0) ||
    (operator.includes('>') && order > 0) ||
    (/[=:]/.test(operator) && order === 0)
  );
}

function walk(tree: Tree, path: readonly (string | number)[]): Tree | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return tree;
  const next =
    tree.kind === 'list' && typeof step === 'number'
      ? tree.items[step]
      : tree.kind === 'object'
        ? tree.entries.findLast(([name]) => name === step)?.[1]
        : undefined;
  return next && walk(next, rest);
}

function fitsTree(tree: Tree, test: JsonTest): boolean {
  if (test.operator === '~') return includes(tree.kind === 'string' ? tree.text : treeText(tree), test.parts);
  if (test.operator === ':') return test.values.some((pattern) => fitsPattern(tree, pattern));
  if (tree.kind === 'number' && test.value.kind === 'number')
    return holds(compare(fraction(tree.text), fraction(test.value.text)), test.operator);
  if (tree.kind !== 'string' || test.value.kind !== 'text') return false;
  const [low] = [tree.text, test.value.text].sort();
  return holds(tree.text === test.value.text ? 0 : low === tree.text ? -1 : 1, test.operator);
}

function fitsPattern(tree: Tree, pattern: JsonPattern): boolean {
  if (pattern.kind === 'prefix' && pattern.text === '') return treeText(tree) !== 'null';
  if (tree.kind === 'string')
    return like(tree.text, { kind: pattern.kind === 'prefix' ? 'prefix' : 'exact', text: pattern.text });
  if (pattern.kind !== 'literal') return false;
  if (tree.kind === 'literal') return tree.text === pattern.text;
  const isNumber = !['true', 'false', 'null'].includes(pattern.text);
  return tree.kind === 'number' && isNumber && compare(fraction(tree.text), fraction(pattern.text)) === 0;
}
