import type { Pagination } from '../page.ts';

export interface WorkflowSummary {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly state: string;
  readonly jobs_total: number;
  readonly jobs_completed: number;
  readonly created_at: string;
  readonly completed_at?: string | null;
  readonly metadata: { readonly failed_count: number; readonly cancelled_count: number };
}

/** A job, or a part that ends after its own nodes. */
export interface WorkflowNode {
  readonly index: number;
  readonly id: string;
  readonly kind: 'job' | 'callback' | 'chain' | 'group' | 'batch' | 'gate';
  readonly state: string;
  /** Indexes of the nodes that it waits for. */
  readonly depends_on: readonly number[];
  readonly within: number | null;
  readonly type?: string;
  readonly job_id?: string | null;
  readonly attempt?: number;
  readonly started_at?: string;
  readonly ended_at?: string;
  /** Of a step that failed. */
  readonly error?: { readonly code?: string; readonly type?: string; readonly message?: string };
}

export interface WorkflowGraph {
  readonly workflow_id: string;
  readonly type: string;
  readonly name: string | null;
  readonly state: string;
  readonly nodes: readonly WorkflowNode[];
}

export interface WorkflowAnswers {
  readonly 'workflow.list': { readonly items: readonly WorkflowSummary[]; readonly pagination: Pagination };
  readonly 'workflow.graph': WorkflowGraph;
  readonly 'workflow.get': { readonly workflow: WorkflowSummary };
  readonly 'workflow.cancel': unknown;
  readonly 'workflow.retry': unknown;
  readonly 'workflow.rerun': { readonly id: string };
}
