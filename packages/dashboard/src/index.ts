export type { PagePlace } from './build.ts';
export { pageHeaders } from './headers.ts';
export type { Authorize, DashboardOptions, Visitor } from './mount/options.ts';
export { type DashboardHandler, dashboardHandler, type MountPlace } from './mount/web.ts';
export { type HeaderReader, isPageFile, type PageAnswer, PageFile } from './page-file.ts';
export { type PageRequest, Pages, type PagesOptions, pagesFolder } from './pages.ts';
