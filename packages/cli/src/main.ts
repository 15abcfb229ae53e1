#!/usr/bin/env node
import { nodeRefusal } from '@ojs-ts/core/node-version';

const refusal = nodeRefusal();
if (refusal === null) {
  const { run } = await import('./program.ts');
  await run();
} else {
  console.error(`ojs: ${refusal}`);
  process.exitCode = 2;
}
