import { Link } from '@tanstack/react-router';
import { useCall } from '../../api/calls.ts';
import { useMay, useSession } from '../../api/session.ts';
import { formatCount } from '../../format/numbers.ts';
import { stringify } from '../../json/numeral.ts';
import { hasType } from '../../live/summary.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Button, Card, Loaded, Select } from '../../ui/index.ts';
import { quotedValue } from './completion.ts';

/** Values that are shown, the most frequent ones. */
const shown = 20;
const fields = ['type', 'queue', 'fingerprint', 'worker', 'tag'] as const;

export interface CountByProps {
  /** A field of the query language; empty for none. */
  readonly by: string;
  /** Names that the jobs of the list have in `meta`. */
  readonly metaNames: readonly string[];
  readonly onChange: (by: string) => void;
}

/** By which field the jobs are counted. */
export function CountByMenu({ by, metaNames, onChange }: CountByProps) {
  const may = useMay('admin.jobGroups');
  const { sees_arguments } = useSession();
  if (!may) return null;
  const paths = sees_arguments ? metaNames.map((name) => `meta.${quotedName(name)}`) : [];
  const names = new Set([...fields, ...paths, ...(by === '' ? [] : [by])]);
  return (
    <Select
      aria-label="Count by"
      value={by}
      onChange={onChange}
      options={[['', 'Count by…'], ...[...names].map((name) => [name, `Count by ${name}`] as const)]}
    />
  );
}

export interface CountsProps {
  readonly q: string;
  readonly by: string;
  /** The query with one more term. */
  readonly withTerm: (term: string) => string;
  readonly onClose: () => void;
}

interface Group {
  /** The string `1` is another value than the number. */
  readonly id: string;
  readonly text: string;
  readonly count: number;
  /** Null if the value is hidden, or no query can ask for it. */
  readonly term: string | null;
}

/** How many jobs of the list have each value of a field, the most first: which tenant floods a queue, for example. */
export function CountsBy({ q, by, withTerm, onClose }: CountsProps) {
  const may = useMay('admin.jobGroups');
  const counted = useCall('admin.jobGroups', {
    query: { q, by, limit: shown },
    enabled: may,
    live: (summary) => hasType(summary, 'job.', 'bulk.'),
  });
  const columns: readonly Column<Group>[] = [
    {
      id: 'value',
      label: by,
      align: 'clip',
      cell: ({ text, term }) =>
        term === null ? (
          text
        ) : (
          <Link to="/jobs" search={{ q: withTerm(term), by }} title="Only these jobs">
            {text}
          </Link>
        ),
    },
    { id: 'jobs', label: 'Jobs', align: 'number', cell: ({ count }) => formatCount(count) },
  ];
  if (!may) return null;
  return (
    <Card
      title={`Jobs by ${by}`}
      aside={
        <Button size="small" onClick={onClose}>
          Close
        </Button>
      }
    >
      <Loaded query={counted} lines={2}>
        {({ groups, others, without_value, is_lower_bound }) => (
          <>
            {groups.length > 0 && (
              <DataTable
                label={`Counts by ${by}`}
                rows={groups.map(({ value, count, digest }) => groupOf(by, value, count, digest))}
                columns={columns}
                idOf={({ id }) => id}
              />
            )}
            <p className="soft small">
              {groups.length === 0 && 'No job in this list has a value in this field. '}
              {others > 0 && `${formatCount(others)} jobs have other values. `}
              {without_value > 0 && groups.length > 0 && `${formatCount(without_value)} jobs have no value. `}
              {is_lower_bound && 'The server has counted only a part of the jobs.'}
            </p>
          </>
        )}
      </Loaded>
    </Card>
  );
}

function groupOf(by: string, value: unknown, count: number, digest: string | undefined): Group {
  const text = typeof value === 'string' ? value : stringify(value);
  const id = digest ?? stringify(value);
  return { id, text, count, term: digest === undefined ? `${by}:${quotedValue(text)}` : null };
}

function quotedName(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
