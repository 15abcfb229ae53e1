import { isObject } from '@ojs-ts/core';
import { age, type Item, list, text } from '../../output/cells.ts';
import type { Column } from '../../output/table.ts';

const longestError = 60;

export const jobColumns: readonly Column<Item>[] = [
  { title: 'ID', cell: (job) => text(job, 'id') },
  { title: 'TYPE', cell: (job) => text(job, 'type') },
  { title: 'QUEUE', cell: (job) => text(job, 'queue') },
  { title: 'STATE', cell: (job) => text(job, 'state') },
  { title: 'ATTEMPT', cell: (job) => `${text(job, 'attempt')}/${text(job, 'max_attempts')}`, align: 'right' },
  { title: 'AGE', cell: (job) => age(job, 'created_at'), align: 'right' },
  { title: 'LAST ERROR', cell: lastError },
];

function lastError(job: Item): string {
  const last = list(job, 'errors').at(-1);
  if (!isObject(last)) return '';
  const message = [text(last, 'type'), text(last, 'message')].filter((part) => part !== '').join(': ');
  return message.length > longestError ? `${message.slice(0, longestError - 1)}…` : message;
}

export const errorColumns: readonly Column<Item>[] = [
  { title: 'ATTEMPT', cell: (error) => text(error, 'attempt'), align: 'right' },
  { title: 'TYPE', cell: (error) => text(error, 'type') },
  { title: 'AGE', cell: (error) => age(error, 'occurred_at'), align: 'right' },
  { title: 'MESSAGE', cell: (error) => text(error, 'message') },
];
