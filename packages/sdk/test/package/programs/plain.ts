import { Client } from '@ojs-ts/sdk';

await new Client('http://localhost:8080').close();
