import type { QueryError } from '@ojs-ts/core';

/** What is wrong with a query, and the place in it. */
export function QueryProblem({ error }: { readonly error: QueryError }) {
  const [said = '', ...pointer] = error.message.split('\n');
  return (
    <div className="query-problem">
      <p>{said}</p>
      <pre aria-hidden="true">{pointer.join('\n')}</pre>
    </div>
  );
}
