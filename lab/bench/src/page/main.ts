// npm run bench -- page: writes the pages from the figures that are there, and measures nothing.
import { writePages } from './write.ts';

writePages();
