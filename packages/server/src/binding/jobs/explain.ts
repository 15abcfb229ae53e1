import { ProtocolError, renderExplanation } from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { json, type Reply } from '../reply.ts';

export const explainHandlers: Handlers<'job.explain'> = { 'job.explain': explain };

/** GET /admin/jobs/:id/explain: why the job is not running. With `step` the id is that of a workflow. */
async function explain({ explainer }: Engine, { params, query, access }: BindingRequest): Promise<Reply> {
  const { id = '' } = params;
  const { step } = query;
  if (step === '') throw ProtocolError.invalid([{ path: 'query.step', message: 'must be the id of a step' }]);
  const covers = access && ((queue: string) => access.covers(queue));
  const explained = step === undefined ? explainer.job(id, covers) : explainer.step(id, step, covers);
  return json(renderExplanation(await explained));
}
