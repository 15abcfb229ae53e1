import { isObject } from '@ojs-ts/core';
import { textOf, type Wire } from '../json.ts';
import type { WorkflowKind } from './definition.ts';
import type { CompositePlan, Plan } from './plan.ts';
import { idOf, itemsOf } from './workflow.ts';

/** How the result of a workflow is put together. */
export type Shape =
  | { readonly kind: 'job'; readonly id: string }
  | { readonly kind: WorkflowKind; readonly id: string; readonly items: readonly ShapeItem[] };

export interface ShapeItem {
  readonly key: string;
  readonly shape: Shape;
}

export function shapeOfPlan(plan: CompositePlan): Shape;
export function shapeOfPlan(plan: Plan): Shape;
export function shapeOfPlan(plan: Plan): Shape {
  if (plan.kind === 'job') return { kind: 'job', id: plan.id };
  return {
    kind: plan.kind,
    id: plan.id,
    items: plan.items.map((item) => ({ key: item.key, shape: shapeOfPlan(item.plan) })),
  };
}

/** The shape of a workflow that was read from the server: by the server's `type`, otherwise by the ids of its steps. */
export function shapeOfWire(raw: Wire, id = ''): Shape {
  const { type } = raw;
  const kind: WorkflowKind = type === 'chain' || type === 'group' || type === 'batch' ? type : 'dag';
  const callbacks = new Set(
    Object.values(isObject(raw.callbacks) ? raw.callbacks : {}).flatMap((one) =>
      isObject(one) ? (textOf(one.id) ?? []) : [],
    ),
  );
  const items = itemsOf(raw).flatMap((item, index) => {
    const key = idOf(item, id === '' ? '' : `${id}.`, index);
    if (callbacks.has(key)) return [];
    return [{ key, shape: itemsOf(item).length > 0 ? shapeOfWire(item, key) : { kind: 'job' as const, id: key } }];
  });
  return { kind, id, items };
}
