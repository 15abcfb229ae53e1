/** Workflows as graphs: their text, their decisions, their answers. */
import '../require-node.ts';

export * from './decide.ts';
export { nodeEvents, unorderedKinds, type WorkflowCounts, workflowCancelled } from './events.ts';
export type { SentParent } from './parent.ts';
export { type ParentsRef, parentsRef, placesOf, withParentResults } from './parents.ts';
export { type CallbackName, callbackNames, maxEdges, maxNesting, maxNodes } from './plan.ts';
export * from './render.ts';
export { renderGraph } from './render-graph.ts';
export { Reopenings, type WorkflowReader } from './reopen.ts';
export * from './reopened.ts';
export { rerunWorkflow } from './rerun.ts';
export { maxParents, maxResults } from './results.ts';
export {
  closedAs,
  counted,
  hasOpenSteps,
  isReady,
  isSameWorkflow,
  lowered,
  newWorkflow,
  nodeRecordOf,
} from './rules.ts';
export { parentOf, readNodeSpec, readWorkflowSpec } from './spec.ts';
export * from './types.ts';
export * from './workflow.ts';
