/** A request to a mount, whatever framework it came through. */
export interface MountRequest<R> extends MountPlace {
  readonly method: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  header(name: string): string | undefined;
  /** Null if the request has none. Not to be destroyed when it is left early: the answer has to go out. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** The address of the request by the framework's own rules about proxies. */
  readonly address?: string | undefined;
  /** The request that `authorize` gets. */
  readonly original: R;
}

export interface MountAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | AsyncIterable<string> | null;
}

/** The place of a request within a mount. */
export interface MountPlace {
  /** Path below the mount point, as sent: `/queues/mail`. Empty for the mount point without its slash. */
  readonly path: string;
  /** Last segment of the mount point: `jobs` of `/ops/jobs`. Needed where `path` is empty. */
  readonly segment: string;
  /** IP address of the other end of the connection. Without `authorize` a request needs it. */
  readonly peer?: string | undefined;
}

/** @param depth how many segments the path of the mount point has. */
export function placeOf(pathname: string, depth: number): MountPlace {
  const segments = pathname.split('/');
  const below = segments.slice(depth + 1);
  return { path: below.length === 0 ? '' : `/${below.join('/')}`, segment: segments[depth] ?? '' };
}

/** Segments of a path; one of its ends may be a slash. */
export function depthOf(path: string): number {
  return path.split('/').filter((segment) => segment !== '').length;
}
