import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useCall } from '../api/calls.ts';
import { IfMay, useMay } from '../api/session.ts';

interface LinkProps {
  readonly id: string;
  /** The id itself without it. */
  readonly text?: ReactNode;
  readonly className?: string | undefined;
  readonly title?: string;
  readonly target?: '_blank';
  readonly preload?: false;
}

/** A link to the page of one thing. An address uses one of the three parameters. */
function linkTo(to: string, { id, text = id, ...look }: LinkProps): ReactNode {
  return (
    <Link to={to} params={{ id, name: id, key: id }} {...look}>
      {text}
    </Link>
  );
}

export const JobLink = (props: LinkProps) => linkTo('/jobs/$id', props);
export const QueueLink = (props: LinkProps) => linkTo('/queues/$name', props);
export const WorkflowLink = (props: LinkProps) => linkTo('/workflows/$id', props);
export const CronLink = (props: LinkProps) => linkTo('/crons/$name', props);
export const LimitLink = (props: LinkProps) => linkTo('/limits/$key', props);
export const BulkLink = (props: LinkProps) => linkTo('/bulk/$id', props);

/** Only the text for callers who may not see the worker. */
export function WorkerLink(props: LinkProps) {
  const { id, text = id, className } = props;
  return (
    <IfMay call="worker.get" otherwise={<span className={className}>{text}</span>}>
      {linkTo('/workers/$id', props)}
    </IfMay>
  );
}

/** The list of the jobs of a query. */
export function JobsLink({ q, text, ...look }: Omit<LinkProps, 'id'> & { readonly q: string }) {
  return (
    <Link to="/jobs" search={{ q }} {...look}>
      {text}
    </Link>
  );
}

/** Who made a call. A token of the storage has its name here; `token_ID` is its title, and what the audit log keeps. */
export function Principal({ id }: { readonly id: string }) {
  const name = useTokenName(id);
  return name === undefined ? id : <span title={id}>{name}</span>;
}

function useTokenName(id: string): string | undefined {
  const may = useMay('token.list');
  const isToken = id.startsWith('token_');
  const { data } = useCall('token.list', { query: { limit: 1_000 }, enabled: may && isToken });
  return data?.items.find((token) => `token_${token.id}` === id)?.name;
}
