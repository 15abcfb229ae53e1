// Runs in the page, not in Node: the tests send its text there.

/** Tries every way from a page to the server; answers what the page got to see. */
globalThis.attack = async ({ base, attempts, job }) => {
  const seen = [];
  for (const [method, path, body, headers, mode] of attempts) {
    try {
      const response = await fetch(`${base}/ojs/v1${path}`, { method, body, headers, mode });
      seen.push(`${response.status} ${await response.text()}`);
    } catch (error) {
      seen.push(String(error));
    }
  }
  for (const [kind, opened] of Object.entries(await follow(base))) if (opened) seen.push(`${kind} was opened`);
  const blobs = [job, new Blob([job]), new Blob([job], { type: 'text/plain' })];
  for (const blob of blobs) navigator.sendBeacon(`${base}/ojs/v1/jobs`, blob);
  await new Promise((resolve) => {
    const image = new Image();
    image.onload = resolve;
    image.onerror = resolve;
    image.src = `${base}/ojs/v1/queues`;
  });
  await new Promise((resolve) => {
    const script = document.createElement('script');
    script.onload = () => resolve(seen.push('a script was run'));
    script.onerror = resolve;
    script.src = `${base}/ojs/v1/queues`;
    document.head.append(script);
  });
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const frame = document.createElement('iframe');
    frame.name = `${enctype} ${base}`;
    document.body.append(frame);
    const form = document.createElement('form');
    Object.assign(form, { action: `${base}/ojs/v1/jobs`, method: 'post', enctype, target: frame.name });
    const field = document.createElement('input');
    // As text/plain this body is {"id":…,"args":["="]} and would be JSON.
    Object.assign(field, { name: `${job.slice(0, -2)}"`, value: '"]}' });
    form.append(field);
    document.body.append(form);
    const answered = new Promise((resolve) => frame.addEventListener('load', resolve));
    form.submit();
    await answered;
    try {
      if (frame.contentDocument?.body.textContent?.includes('"job"')) seen.push('a form was answered');
    } catch (error) {
      seen.push(String(error));
    }
  }
  return seen;
};

/** Tries to follow the server's events; answers which of the ways let the page in. */
globalThis.follow = async (base) => {
  const opens = (source) =>
    new Promise((resolve) => {
      source.onopen = () => resolve(true);
      source.onerror = () => resolve(false);
    }).finally(() => source.close());
  const stream = (path) => opens(new EventSource(`${base}/ojs/v1${path}`));
  const socket = (protocols) => opens(new WebSocket(`${base.replace('http', 'ws')}/ojs/v1/ws`, protocols));
  return {
    'a stream': await stream('/events/stream?last_event_id=0'),
    'a stream of a queue': await stream('/queues/canary/events'),
    'a WebSocket': await socket([]),
    'a WebSocket with a protocol': await socket(['ojs.v1']),
  };
};

/** A request out of a frame without an origin; answers what the frame got to see. */
globalThis.sandboxed = (url) =>
  new Promise((resolve) => {
    addEventListener('message', ({ data }) => resolve(data));
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    const code = `fetch('${url}', { method: 'POST', body: '{"type":"evil.job","args":[]}', headers: { 'content-type': 'text/plain' } })`;
    frame.srcdoc = `<script>${code}.then((r) => r.text()).catch(String).then((t) => parent.postMessage(t, '*'))</script>`;
    document.body.append(frame);
  });
