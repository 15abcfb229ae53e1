import { worker } from './handlers.ts';

// Runs jobs until SIGTERM or SIGINT. Jobs that run then have 25 s to end.
await worker.start();
