#!/usr/bin/env node
import { start } from '@ojs-ts/cli/start';

// `npm create ojs-ts my-app` is `ojs init my-app`.
await start(['init', ...process.argv.slice(2)]);
