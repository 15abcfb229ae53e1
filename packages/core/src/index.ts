import './require-node.ts';

export * from './access/audit.ts';
export * from './access/payloads.ts';
export * from './access/reach.ts';
export * from './access/roles.ts';
export * from './admission.ts';
export * from './answers.ts';
export * from './bulk.ts';
export * from './bulk-operations/changes.ts';
export * from './bulk-operations/decide.ts';
export * from './bulk-operations/operation.ts';
export * from './bulk-operations/render.ts';
export * from './bulk-operations/request.ts';
export * from './bulk-operations/undo.ts';
export * from './cron/crons.ts';
export * from './cron/definition.ts';
export * from './cron/firing.ts';
export * from './cron/next.ts';
export * from './cron/parse.ts';
export * from './cron/record.ts';
export * from './cron/render.ts';
export * from './cron/schedule.ts';
export * from './cron/zone.ts';
export * from './documents.ts';
export { defaultQueue, defaultTimeoutMs } from './envelope/attributes.ts';
export * from './envelope/destination.ts';
export * from './envelope/envelope.ts';
export { jobShape } from './envelope/job-shape.ts';
export * from './envelope/render.ts';
export * from './envelope/unknown-members.ts';
export * from './envelope/validate.ts';
export * from './errors.ts';
export * from './events/entries.ts';
export * from './events/events.ts';
export * from './events/kinds.ts';
export * from './events/summary.ts';
export * from './explain/active.ts';
export * from './explain/available.ts';
export * from './explain/ended.ts';
export {
  type Explanation,
  maxListed,
  type Reason,
  type ReasonCode,
  type ReasonJob,
  type ReasonStep,
  type ReasonWorker,
  reasonClauses,
  type WorkerStatus,
} from './explain/reasons.ts';
export * from './explain/render.ts';
export * from './explain/step.ts';
export { explainWaiting } from './explain/waiting.ts';
export * from './job/byte-budget.ts';
export * from './job/checkpoint.ts';
export * from './job/error-fingerprint.ts';
export * from './job/failure.ts';
export * from './job/history.ts';
export * from './job/job.ts';
export * from './job/lease.ts';
export * from './job/order.ts';
export * from './job/places.ts';
export * from './job/progress.ts';
export * from './job/reopening.ts';
export * from './job/result.ts';
export * from './job/selection.ts';
export * from './job/states.ts';
export * from './job-store.ts';
export { findSyntaxError, type JsonMember, type JsonNode, readDocument, type SyntaxProblem } from './json/document.ts';
export * from './json/json.ts';
export * from './known-names.ts';
export * from './lifecycle/change.ts';
export * from './lifecycle/deaths.ts';
export * from './lifecycle/decide.ts';
export * from './lifecycle/edit.ts';
export * from './lifecycle/execution-history.ts';
export * from './lifecycle/history.ts';
export * from './lifecycle/history-retention.ts';
export type { JobChanges } from './lifecycle/job-changes.ts';
export * from './lifecycle/lifecycle.ts';
export * from './lifecycle/limits/held-slots.ts';
export * from './lifecycle/limits/limits.ts';
export * from './lifecycle/limits/requested.ts';
export * from './lifecycle/linked-job.ts';
export * from './lifecycle/liveness.ts';
export * from './lifecycle/poison.ts';
export * from './lifecycle/reports.ts';
export * from './lifecycle/rerun.ts';
export * from './lifecycle/retry.ts';
export * from './lifecycle/steps.ts';
export * from './lifecycle/transition.ts';
export { firstIndex, type Holder, type StoredHolders } from './lifecycle/unique/held-keys.ts';
export * from './lifecycle/unique/unique.ts';
export { Heap } from './memory/heap.ts';
export * from './names.ts';
export { requireNode } from './node-version.ts';
export * from './operations/operations.ts';
export type { Operation, QueueCheck } from './operations/row.ts';
export * from './push.ts';
export { allOf, anyOf, type Condition, notOf, readsPayload } from './query/condition.ts';
export {
  type Field,
  type FieldName,
  fieldNamed,
  fieldNames,
  fields as queryFields,
  operatorsOf,
} from './query/fields.ts';
export { formatQuery } from './query/format.ts';
export * from './query/grouping.ts';
export { type Matcher, matcherOf } from './query/matcher.ts';
export * from './query/parse.ts';
export { describePlan, type Plan, planOf } from './query/plan.ts';
export { QueryError } from './query/query-error.ts';
export { stateWords } from './query/terms.ts';
export * from './requests/bulk-enqueue.ts';
export * from './requests/crons.ts';
export * from './requests/dead-letters.ts';
export * from './requests/enqueue.ts';
export * from './requests/fields.ts';
export * from './requests/filters.ts';
export * from './requests/lists.ts';
export * from './requests/missing-name.ts';
export * from './requests/order.ts';
export * from './requests/pages.ts';
export * from './requests/queues.ts';
export * from './requests/reply.ts';
export * from './requests/targets.ts';
export * from './requests/workflows.ts';
export * from './semver.ts';
export * from './slab-map.ts';
export * from './statistics/histogram.ts';
export * from './statistics/queue-sums.ts';
export * from './statistics/statistics.ts';
export * from './steps.ts';
export * from './suggestion.ts';
export * from './time/clock.ts';
export * from './time/duration.ts';
export * from './time/steady.ts';
export * from './time/timestamp.ts';
export * from './transport.ts';
export * from './uuid.ts';
export * from './variables.ts';
export * from './workflow/decide.ts';
export { nodeEvents, unorderedKinds, type WorkflowCounts, workflowCancelled } from './workflow/events.ts';
export { type CallbackName, callbackNames, maxEdges, maxNesting, maxNodes } from './workflow/plan.ts';
export * from './workflow/render.ts';
export { renderGraph } from './workflow/render-graph.ts';
export { missingWorkflow, Reopenings, type WorkflowReader } from './workflow/reopen.ts';
export * from './workflow/reopened.ts';
export { rerunWorkflow } from './workflow/rerun.ts';
export { maxParents, maxResults } from './workflow/results.ts';
export { closedAs, counted, isReady, isSameWorkflow, lowered, newWorkflow, nodeRecordOf } from './workflow/rules.ts';
export { readNodeSpec } from './workflow/spec.ts';
export * from './workflow/types.ts';
export * from './workflow/workflow.ts';
