import { describe, expect, test } from 'vitest';
import { jobShape, type Shape } from '../../src/job/index.ts';
import { operationNames, routeOf, routesOf } from '../../src/operations/index.ts';
import { pathParameters, requests, shapeIn } from '../../src/schemas/index.ts';

/** The names of a shape, at every depth. */
function namesIn(shape: Shape | null): unknown {
  if (shape === null) return null;
  return { open: shape.open, names: Object.fromEntries([...shape.members].map(([name, one]) => [name, namesIn(one)])) };
}

describe('the schemas of requests', () => {
  test('the schema of an enqueue request has the members that the reader of envelopes knows', () => {
    expect(namesIn(shapeIn(requests['job.enqueue'].body?.schema() ?? {}))).toEqual(namesIn(jobShape));
  });

  test.each(operationNames)('%s: a sentence, every placeholder, and a body only where the method has one', (name) => {
    const { summary, query = {}, body } = requests[name];
    expect(summary).toMatch(/^[A-Z].*[^.]$/);
    for (const { description } of Object.values(query)) expect(description).toMatch(/^\S.*\.$/);
    for (const { path } of routesOf(name)) {
      const parameters = pathParameters(path);
      expect(Object.keys(parameters)).toEqual([...path.matchAll(/:(\w+)/g)].map(([, placeholder]) => placeholder));
      for (const { description } of Object.values(parameters)) expect(description).toMatch(/^[A-Z].*\.$/);
    }
    if (routeOf(name).method === 'GET') expect(body).toBeUndefined();
    if (body !== undefined) expect(body.schema()).toMatchObject({ type: 'object' });
  });
});
