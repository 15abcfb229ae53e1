import type { Wire } from '../../json.ts';
import type { Row, StepWrite } from './row.ts';

/** The rows of one job, wherever they are kept. */
export interface StepStore {
  /** False if a wait holds the slot, because the server cannot suspend a job. */
  readonly suspends: boolean;
  find(name: string): Promise<Row | undefined>;
  /** The row as it is now: a transaction of the user may have written it. */
  current(name: string): Promise<Row | undefined>;
  /** All rows as they are now. */
  all(): Promise<readonly Row[]>;
  /** The value of a row that is done; encoded, if a codec is in use. */
  valueOf(row: Row): Promise<unknown>;
  /** The highest number so far. Known after the first `find`. */
  readonly lastNumber: number;
  /** The handler begins again: rows that were recorded since the start of the execution are found too. */
  reload(): void;
  /**
   * Records the rows, and returns what the server has now under each name. Never settles if the job is lost.
   * @throws {StepLimitError}, {StepKindError}, {TokenTakenError} if the rows cannot be recorded.
   */
  record(steps: readonly StepWrite[]): Promise<readonly Wire[]>;
}
