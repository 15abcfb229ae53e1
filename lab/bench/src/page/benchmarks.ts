export interface Parts {
  readonly peers: string;
  readonly latency: string;
  readonly scale: string;
}

/** The text of `lab/docs/benchmarks.md`. */
export function benchmarksPage({ peers, latency, scale }: Parts): string {
  return `# Benchmarks

Figures of ojs-ts, beside other queues on the same database. Three commands measure, and write this page and
[Scale](scale.md):

| command | measures |
| --- | --- |
| \`npm run bench -- peers\` | throughput, CPU time and memory, beside other queues |
| \`npm run bench -- latency\` | the time until a job starts, and the load that a queue keeps up with |
| \`npm run bench -- scale\` | the cost of operations as a store grows, more workers, more servers, an open transaction |

- Each command starts a PostgreSQL and a Redis of its own. \`--storage sqlite,postgres://…\` chooses others.
- A run that ends early is continued by the same command: a figure of the same commit is not measured again by
  \`latency\` and \`scale\`.
- \`npm run bench -- page\` writes the pages without a measurement. \`lab/bench/figures\` has all single figures.
- [Methods](../bench/README.md) has the rules of a fair run, and the other benchmarks.

## Peers

Every job is unique and has about 300 bytes. One job is one handler call and one ack, and the store's own count decides
when all are done. CPU time counts from the first handler call to that moment. Memory is the most of all processes at
once, the store's included.

${peers}

## Latency

A job's time goes from the moment when it is due to be enqueued until its handler starts. A producer that is late counts
as late. The capacity is the highest rate at which enqueue, claim and ack stay level for the whole run.

${latency}

## Scale

Costs are CPU microseconds of Node and the store a job, in batches of ten, directly on a storage. A list has 50 jobs; a
page starts in the middle.

${scale}
`;
}
