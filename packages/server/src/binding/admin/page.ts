import { type PageQuery, type Query, readPage } from '@ojs-ts/core';

/** The page of a list of ojs-admin-api: 20 items without a word, 100 at most (§7.1). */
export function readAdminPage(query: Query): PageQuery {
  return readPage(query, 20, 100);
}
