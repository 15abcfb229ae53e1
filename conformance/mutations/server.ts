import { startServer } from '@ojs-ts/server';

// A server in a process of its own, so that a mutation is in no other modules. The server prints its URL and stops when
// its standard input ends.
const storage = process.argv[2] ?? 'memory:';
const server = await startServer({ storage, host: '127.0.0.1', port: 0, testMode: true, log: false });
console.log(server.url);
process.stdin.resume().on('end', () => void server.close().then(() => process.exit()));
