// The packed server serves the pages and what they ask for: the files of the dashboard must have come along.
import { startServer } from '@ojs-ts/server';

await using server = await startServer({ storage: 'memory:', port: 0, log: false });
const answers = {};
const at = `${server.url}/dashboard/`;
const page = await (await fetch(at)).text();
for (const [, file] of page.matchAll(/(?:src|href)="([^"#]*\.(?:js|css|svg))"/g)) {
  const { pathname, href } = new URL(file, at);
  // Names of the build have a hash.
  answers[pathname.replace(/-[\w-]{8}(?=\.)/, '')] = (await fetch(href)).status;
}
console.log(JSON.stringify(answers));
