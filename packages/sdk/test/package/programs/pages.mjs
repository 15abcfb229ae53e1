// The packed server serves the page and what the page asks for: the files of the dashboard must have come along.
import { startServer } from '@ojs-ts/server';

await using server = await startServer({ storage: 'memory:', port: 0, log: false });
const page = await (await fetch(`${server.url}/playground`)).text();
const files = [...page.matchAll(/(?:src|href)="(playground\/[^"]+)"/g)].map((match) => match[1]);
const answers = await Promise.all(files.map((file) => fetch(new URL(file, `${server.url}/`))));
console.log(JSON.stringify(Object.fromEntries(files.map((file, index) => [file, answers[index].status]))));
