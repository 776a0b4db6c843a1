import { log, type LogYield } from "headway";
import type { MalformedRow } from "./csv_doubts.ts";
import type { CsvRow } from "./csv_rows.ts";
import { TableProfile, type TableState } from "./table_profile.ts";
import type { TableStart } from "./table_start.ts";

/** Malformed rows that are logged one by one. */
const MAX_WARNINGS = 100;

/** Where the table is, and what its cells look like. */
export type TableLayout = Pick<TableStart, "line" | "header" | "trailing" | "decimal">;

/** A {@link CsvTally} as JSON. */
export interface TallyState {
  /** The profile of the rows that fit. */
  table: TableState;
  /** Rows left out, and which was the first. */
  malformed: number;
  firstMalformed?: MalformedRow | undefined;
  /** The first line in which something could not be decoded. */
  undecoded?: number | undefined;
}

/** Takes the rows of a CSV file: profiles those that fit, and collects warnings about the others. */
export class CsvTally {
  readonly table: TableProfile;
  malformed: number;
  firstMalformed: MalformedRow | undefined;
  undecoded: number | undefined;
  #layout: TableLayout;
  #logs: LogYield[] = [];

  /** Begins, or goes on from a state. */
  constructor(layout: TableLayout, nullText: string | undefined, state?: TallyState) {
    this.#layout = layout;
    this.table = new TableProfile({ ...layout, nullText }, state?.table);
    this.malformed = state?.malformed ?? 0;
    this.firstMalformed = state?.firstMalformed;
    this.undecoded = state?.undecoded;
  }

  /** @throws {Error} If it is the header, and malformed. */
  take({ line, cells, problem, undecoded }: CsvRow): void {
    if (line < this.#layout.line) return;
    if (undecoded) this.undecoded ??= line;
    if (problem !== undefined && this.#layout.header && this.table.width === 0) {
      throw new Error(`Cannot read the header as line ${line} is malformed: ${problem}`);
    }
    const reason = problem ?? this.table.add(cells, undecoded);
    if (reason === undefined) return;
    this.malformed++;
    this.firstMalformed ??= { line, reason };
    if (this.malformed <= MAX_WARNINGS) {
      this.warn(`Line ${line} is malformed: ${reason}`, { line, reason });
    }
    if (this.malformed === MAX_WARNINGS + 1) this.warn("Further malformed rows are only counted");
  }

  /** Adds the state of later rows of the same table. */
  merge({ table, malformed, firstMalformed, undecoded }: TallyState): void {
    this.table.merge(table);
    this.malformed += malformed;
    this.firstMalformed ??= firstMalformed;
    this.undecoded ??= undecoded;
  }

  warn(message: string, data?: Record<string, unknown>): void {
    this.#logs.push(log(message, { ...data, level: "warn" }));
  }

  /** The warnings since the last call. */
  logs(): LogYield[] {
    return this.#logs.splice(0);
  }

  state(): TallyState {
    const { table, malformed, firstMalformed, undecoded } = this;
    return { table: table.state(), malformed, firstMalformed, undecoded };
  }
}
