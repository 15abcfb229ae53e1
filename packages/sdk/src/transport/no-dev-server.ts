/** `ojs dev` has run in a folder, and does not run there now. */
export class NoDevServer extends Error {
  override readonly name = 'NoDevServer';

  /** @param stale the file that an `ojs dev` has left which has ended; null for none. */
  constructor(folder: string, stale: string | null) {
    const why = stale === null ? '' : `: the process that wrote ${stale} has ended`;
    super(
      `ojs dev does not run in ${folder}${why}. Start it there, or set OJS_BACKEND_URL to the URL of another server.`,
    );
  }
}
