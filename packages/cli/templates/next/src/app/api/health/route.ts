import { ojs } from '../../../ojs.ts';

export const GET = ojs.healthRoute;
