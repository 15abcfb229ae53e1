import { startServer } from '@ojs-ts/server';

// A server of its own process, so that a fault is in nobody else's modules. It prints its URL and lives until its input
// ends.
const storage = process.argv[2] ?? 'memory:';
const server = await startServer({ storage, host: '127.0.0.1', port: 0, testMode: true, log: false });
console.log(server.url);
process.stdin.resume().on('end', () => void server.close().then(() => process.exit()));
