import { install } from './world/globals.ts';

// Before the product is loaded: it keeps some of what it imports.
install();
const { command } = await import('./command.ts');
process.exitCode = await command(process.argv.slice(2));
