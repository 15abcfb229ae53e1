// The packed server in the same process, on a SQLite file: its SQL must have come along.
import { Client } from '@ojs-ts/sdk';
import { openEmbedded } from '@ojs-ts/server';

await using transport = await openEmbedded('sqlite:./jobs.db');
const client = new Client(transport);
const { id } = await client.enqueue('package.echo', []);
console.log((await client.getJob(id)).state);
