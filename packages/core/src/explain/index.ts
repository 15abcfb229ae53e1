/** Why a job does not run. */
import '../require-node.ts';

export * from './active.ts';
export * from './available.ts';
export * from './ended.ts';
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
} from './reasons.ts';
export * from './render.ts';
export * from './step.ts';
export { explainWaiting } from './waiting.ts';
