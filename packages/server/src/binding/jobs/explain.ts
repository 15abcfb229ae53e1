import { ProtocolError, renderExplanation } from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { BindingRequest, Handlers } from '../handler.ts';
import { json, type Reply } from '../reply.ts';

export const explainHandlers: Handlers<'job.explain'> = { 'job.explain': explain };

/** GET /admin/jobs/:id/explain: why the job is not running. With `step` the id is that of a workflow. */
async function explain({ explainer }: Engine, { params, query }: BindingRequest): Promise<Reply> {
  const { id = '' } = params;
  const { step } = query;
  if (step === '') throw ProtocolError.invalid([{ path: 'query.step', message: 'must be the id of a step' }]);
  return json(renderExplanation(await (step === undefined ? explainer.job(id) : explainer.step(id, step))));
}
