export { type PageAnswer, type PageRequest, Pages, pagesFolder } from './files.ts';
export { pageHeaders } from './headers.ts';
export type { Authorize, DashboardOptions, Visitor } from './mount/options.ts';
export { type DashboardHandler, dashboardHandler, type MountPlace } from './mount/web.ts';
