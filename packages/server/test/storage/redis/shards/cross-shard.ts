/** Three namespaces; the queue `default`, which most cases use, is not in the home. */
export const three = 'home:quiet,third;x:a,b,c;rest:*';

/** Cases of the suite whose queues are in two of them. What is refused there is in `refusals.test.ts`. */
export const skip = [
  'pages over many jobs of one state return each once',
  'subscribers are woken for queues whose jobs wait under a limit that has a slot again, or other numbers',
].map((test) => ({ test, reason: 'its queues are in two of the namespaces' }));
