import type * as answers from '@ojs-ts/core/schemas';
import { type Camel, camel } from '../operations/answer.ts';
import { read } from '../operations/row.ts';

type Answer = answers.Answers['workflow.graph'];
/** A workflow of the type `chain`, `group`, `batch` or `dag` as nodes and the nodes that each of them waits for. */
export interface WorkflowGraph extends Camel<Answer> {
  readonly name: string;
  readonly nodes: readonly WorkflowGraphNode[];
}

/**
 * A job, a callback, or the end of a chain, group or batch within the workflow. {@link dependsOn} and {@link within}
 * name the index of a node. Steps of nested workflows may share an id. A `gate` ends when all jobs of a batch have
 * ended; its callbacks follow.
 */
export interface WorkflowGraphNode extends Camel<answers.WorkflowNode> {}

export const graphRows = {
  /** A workflow as a graph, without arguments and results. @throws {OJSAPIError} `not_found`. */
  workflowGraph: (workflowId: string) =>
    read({ operation: 'workflow.graph', params: { id: workflowId } }, (body): WorkflowGraph => {
      const graph = camel<Answer>(body, 'nodes');
      return { ...graph, name: graph.name ?? '' };
    }),
};
