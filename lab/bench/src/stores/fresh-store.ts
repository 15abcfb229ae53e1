/** A size of a store, such as its keys; `flat` where a steady load must leave it as it is. */
export interface Size {
  readonly what: string;
  readonly value: number;
  readonly flat: boolean;
}

export interface FreshStore extends AsyncDisposable {
  /** As `--storage` of the server and `openEmbedded` take it. */
  readonly storage: string;
  /** The database and its settings that say what a commit is worth; '' where the store is no server. */
  readonly settings: string;
  /** The first process of a server on this machine; null where there is none. */
  readonly pid: number | null;
  sizes(): Promise<readonly Size[]>;
  /** Lines that tell where the size comes from; none where the store does not say. */
  details(): Promise<readonly string[]>;
  /**
   * Connections of the process that owns these local ports, as the store counts them; null where the store is no
   * server.
   */
  connections(ports: ReadonlySet<number>): Promise<number | null>;
}
