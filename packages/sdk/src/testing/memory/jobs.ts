import { isUuidv7, members, readJson } from '@ojs-ts/core';
import { idOf, idsOf, type Request, rerunFromStep } from '@ojs-ts/core/handlers';
import { type ReadEnvelope, readEnvelope, readEnvelopes, renderOutcome } from '@ojs-ts/core/job';
import { atOnce, push, rerunOf, run } from '@ojs-ts/core/lifecycle';
import {
  acceptedOf,
  batchReply,
  checkDistinct,
  enqueuedReply,
  Fields,
  listed,
  minimalReply,
  ok,
  type PlainReply,
  readChanges,
  readDeadLetterList,
  readJobList,
  requireBody,
} from '@ojs-ts/core/requests';
import { listOf } from '../../json.ts';
import type { Answers, Host } from './host.ts';

export const jobAnswers: Answers = {
  /** A repeated id is 409, unless the call says by its key that it is a repetition. */
  'job.enqueue': (host, request) => {
    const { storage, clock } = host;
    return pushOne(host, request, readEnvelope(requireBody(request.body), storage.now, idsOf(request, clock, 'job')));
  },
  /** All or none, answered in order. */
  'job.enqueueBatch': ({ storage, clock }, request) => {
    const { now } = storage;
    const text = requireBody(request.body);
    const value = readJson(text, 'The request body');
    const read = readEnvelopes(text, now, idsOf(request, clock, 'job'), now, value);
    checkDistinct(read);
    const items = acceptedOf(atOnce(run(push(storage, read))), request.key !== null);
    return minimalReply(value, items, read) ?? batchReply(items, now);
  },
  /** A call is never repeated here, so the ids need not follow from its key. */
  'job.rerun': (host, request) => {
    const newId = idsOf(request, host.clock, 'job');
    const continued = atOnce(run(rerunFromStep(host, request, newId)));
    if (continued !== null) return continued;
    const { body } = request;
    const changes = readChanges(body);
    const job = host.known(idOf(request));
    const id = body === undefined ? undefined : members(body).get('id');
    return pushOne(host, request, rerunOf(job, changes, host.storage, newId, id));
  },
  'job.list': ({ storage }, { query }) => listed(storage, readJobList(query, storage.now)),
  'deadLetter.list': ({ storage }, { query }) => listed(storage, readDeadLetterList(query, storage.now)),
  'job.result': (host, request) => ok(renderOutcome(host.known(idOf(request)), host.clock.now())),
  /** Nothing happens while a call is held, so `wait_ms` is not waited. */
  'job.results': ({ storage }, { body }) => {
    const texts = listOf(Fields.parse(body).ids).map((id) => {
      const job = isUuidv7(id) ? storage.get(id) : null;
      return `${JSON.stringify(id)}:${job === null ? 'null' : renderOutcome(job, storage.now)}`;
    });
    return ok(`{"results":{${texts.join(',')}}}`);
  },
};

function pushOne({ storage }: Host, { key }: Request, read: ReadEnvelope): PlainReply {
  const [item] = acceptedOf(atOnce(run(push(storage, [read]))), key !== null);
  if (item === undefined) throw new Error('A push of one job was answered without one.');
  return enqueuedReply(item, storage.now);
}
