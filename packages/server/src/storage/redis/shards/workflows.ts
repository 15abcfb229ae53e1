import { defaultQueue, nodeDestination } from '@ojs-ts/core/job';
import type { NewNode, NewWorkflow } from '@ojs-ts/core/workflow';
import type { Advanced, Workflows } from '../../storage.ts';
import { oneShard } from './cross-shard.ts';
import type { LimitOwners } from './limit-owners.ts';
import { Locations } from './locations.ts';
import { mergedPage } from './merged-page.ts';
import type { Shards } from './shards.ts';

const unchanged: Advanced = { done: false, inserted: null, ready: [] };

/** A workflow is in the shard of its steps' queues, since the end of a job and what follows from it are one commit. */
export function workflows(shards: Shards, limits: LimitOwners): Workflows {
  const locations = new Locations(shards, 'workflow');
  const where = async (id: string) => {
    const [place = null] = await locations.guess([id]);
    return place === null ? null : shards.at(place);
  };
  const getAll = (ids: readonly string[]) =>
    locations.run(
      ids,
      (id) => id,
      (place, those) => shards.at(place).workflows.getAll(those),
      null,
      (found) => found === null,
    );
  return {
    async create(workflow, nodes, events, now) {
      const place = await placeOf(shards, limits, workflow, nodes, now);
      const { found: there } = await shards.answering(
        (shard, at) => (at === place ? null : shard.workflows.get(workflow.id)) ?? Promise.resolve(null),
      );
      const other = there.find((one) => one !== null && one !== undefined);
      if (other) return { kind: 'duplicate', workflow: other, ready: [] };
      const created = await shards.at(place).workflows.create(workflow, nodes, events, now);
      locations.note(workflow.id, place);
      return created;
    },

    get: async (id) => (await getAll([id]))[0] ?? null,

    getAll,

    async list(query) {
      const { offset: _, after: __, ...rest } = query;
      const totals = shards.present((shard) => shard.listedWorkflows({ states: query.states, limit: 0 }));
      const sources = shards.all.map((shard) => ({
        read: (after: string | undefined, limit: number) =>
          shard.listedWorkflows({ ...rest, ...(after !== undefined && { after }), limit }),
      }));
      const page = mergedPage(sources, (a, b) => a.createdAt > b.createdAt, query);
      const [{ items, next }, found] = await Promise.all([page, totals]);
      return { items, next, total: found.reduce((sum, { total }) => sum + total, 0) };
    },

    nodes: async (workflow, after, limit) => (await where(workflow))?.workflows.nodes(workflow, after, limit) ?? [],

    node: (refs) =>
      locations.run(
        refs,
        ({ workflow }) => workflow,
        (place, those) => shards.at(place).workflows.node(those),
        null,
        (node) => node === null,
      ),

    advance: (steps, now) =>
      locations.run(
        steps,
        ({ node }) => node.workflow,
        (place, those) => shards.at(place).workflows.advance(those, now),
        unchanged,
        ({ done, inserted }) => !done && inserted === null,
      ),

    cancel: async (id, events, now) => (await where(id))?.workflows.cancel(id, events, now) ?? false,
    swept: async (id) => (await where(id))?.workflows.swept(id),

    async unfinished(limit) {
      const found = await shards.present(async (shard, place) => {
        const unfinished = await shard.workflows.unfinished(limit);
        for (const { workflow } of unfinished.ready) locations.note(workflow, place);
        for (const id of unfinished.sweeping) locations.note(id, place);
        return unfinished;
      });
      return { ready: found.flatMap(({ ready }) => ready), sweeping: found.flatMap(({ sweeping }) => sweeping) };
    },
  };
}

/** @throws ProtocolError `unsupported` if the steps are in several shards, or name a limit of another one. */
async function placeOf(
  shards: Shards,
  limits: LimitOwners,
  workflow: NewWorkflow,
  nodes: readonly NewNode[],
  now: number,
): Promise<number> {
  if (shards.all.length === 1) return 0;
  const jobs = nodes.map((node) => nodeDestination(workflow, node, now)).filter((job) => job !== null);
  const queues = jobs.length === 0 ? [defaultQueue] : jobs.map(({ queue }) => queue);
  const place = oneShard(shards.map, queues, 'The queues of all steps of a workflow must be');
  await limits.check(jobs.flatMap((job) => job.limits.map(({ key }) => ({ key, place }))));
  return place;
}
