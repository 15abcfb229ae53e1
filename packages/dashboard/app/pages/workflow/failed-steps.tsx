import type { WorkflowNode } from '@ojs-ts/core/schemas';
import { formatCount } from '../../format/numbers.ts';
import { Card, JobLink } from '../../ui/index.ts';
import { isFailed, nameOf } from './boxes.ts';

const shown = 5;

/** Lists the steps that have failed, with their errors. */
export function FailedSteps({ nodes }: { readonly nodes: readonly WorkflowNode[] }) {
  const failed = nodes.filter((node) => isFailed(node) && node.type !== undefined);
  if (failed.length === 0) return null;
  return (
    <Card title={failed.length === 1 ? 'The step that failed' : `${formatCount(failed.length)} steps failed`}>
      <ul className="plain">
        {failed.slice(0, shown).map((node) => (
          <li key={node.index} className="failed-step">
            <StepLink node={node} />
            <ErrorText node={node} />
          </li>
        ))}
        {failed.length > shown && <li className="soft">and {formatCount(failed.length - shown)} more</li>}
      </ul>
    </Card>
  );
}

export function StepLink({ node }: { readonly node: WorkflowNode }) {
  const { title, detail } = nameOf(node);
  return (
    <span>
      {node.job_id ? <JobLink id={node.job_id} text={title} /> : title} <span className="soft small">{detail}</span>
    </span>
  );
}

export function ErrorText({ node: { error } }: { readonly node: WorkflowNode }) {
  if (error === undefined) return null;
  const { type = error.code, message = '' } = error;
  const text = [type, message].filter((part) => part !== undefined && part !== '').join(': ');
  return (
    <span className="error-text" title={text}>
      {text}
    </span>
  );
}
