// The first import of the entry. Modules are evaluated in the order of imports, so an old Node is refused before
// another module breaks on it.
import { requireNode } from './node-version.ts';

requireNode();
