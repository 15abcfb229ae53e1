import { Menu } from '../../ui/menu.tsx';
import { withTerm } from './query.ts';

const spans = [
  { label: 'Last 15 minutes', term: 'age<15m' },
  { label: 'Last hour', term: 'age<1h' },
  { label: 'Last 24 hours', term: 'age<24h' },
  { label: 'Last 7 days', term: 'age<7d' },
  { label: 'Older than an hour', term: 'age>1h' },
  { label: 'Older than 24 hours', term: 'age>24h' },
  { label: 'Older than 7 days', term: 'age>7d' },
] as const;

export interface TimeMenuProps {
  readonly q: string;
  readonly onChange: (q: string) => void;
}

/** How old the jobs are, as a term of the query. */
export function TimeMenu({ q, onChange }: TimeMenuProps) {
  const current = spans.find(({ term }) => q.split(/\s+/).includes(term));
  const items = [
    { label: 'Any time', run: () => onChange(withTerm(q, 'age', '')) },
    ...spans.map(({ label, term }) => ({ label, run: () => onChange(withTerm(q, 'age', term)) })),
  ];
  return <Menu label={current?.label ?? 'Any time'} size="small" items={items} />;
}
