import { ColumnProfile, type ColumnState, type ColumnSummary } from "./column_profile.ts";
import { cutText } from "./cut_text.ts";

/** Columns beyond are checked and counted, not profiled. */
export const MAX_COLUMNS = 100;
/** Bytes of JSON for all columns; a checkpoint and a result may have 48 KiB. */
const COLUMNS_BYTES = 47_000;
const MAX_NAME_BYTES = 100;

/** A column of the result: its profile and name. */
export interface NamedColumn extends ColumnSummary {
  /** From the header, else `column_1`, `column_2`, … A repeated name gets a number: `name_2`. */
  name: string;
}

/** The rows of a table, summed up. */
export interface TableSummary {
  /** Rows profiled. */
  rows: number;
  /** Rows left out, since their quotes are broken or they have too few or too many cells. */
  malformed: number;
  /** Columns in all. */
  column_count: number;
  /** The first columns: 100, or fewer where their profiles are large. */
  columns: NamedColumn[];
}

/** A {@link TableProfile} as JSON. */
export interface TableState {
  /** Rows profiled. */
  rows: number;
  /** Rows left out. */
  malformed: number;
  /** Columns in all; `null` before the first row of a table without header. */
  width: number | null;
  /** Of the first {@link MAX_COLUMNS}. */
  columns: ColumnState[];
}

/**
 * Profiles a table row by row, in bounded memory and with a state bounded in size: what a column
 * may remember depends on how many there are.
 */
export class TableProfile {
  #nullText: string | undefined;
  #names: string[] | undefined;
  #width: number | undefined;
  #columns: ColumnProfile[] = [];
  #rows: number;
  #malformed: number;

  /**
   * Begins, or goes on from a state.
   *
   * @param header The first row, or `undefined` where the table has none.
   * @param nullText See {@link ColumnProfile}.
   */
  constructor(header: string[] | undefined, state?: TableState, nullText?: string) {
    this.#nullText = nullText;
    this.#names = header;
    this.#rows = state?.rows ?? 0;
    this.#malformed = state?.malformed ?? 0;
    const width = state?.width ?? header?.length;
    if (width !== undefined) this.#widen(width, state?.columns);
  }

  /** Rows profiled. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows left out. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Takes a row. One with too few or too many cells is left out, and the answer tells why. */
  add(row: string[]): string | undefined {
    if (this.#width === undefined) this.#widen(row.length);
    if (row.length !== this.#width) {
      this.#malformed++;
      return `${row.length} ${row.length === 1 ? "cell" : "cells"} instead of ${this.#width}`;
    }
    this.#rows++;
    const columns = this.#columns;
    for (let i = 0; i < columns.length; i++) columns[i]!.add(row[i]!);
    return undefined;
  }

  /** Counts a row that could not be read. */
  addMalformed(): void {
    this.#malformed++;
  }

  /** The state as JSON. */
  state(): TableState {
    return {
      rows: this.#rows,
      malformed: this.#malformed,
      width: this.#width ?? null,
      columns: this.#columns.map((column) => column.state()),
    };
  }

  /** The profile so far, small enough for a result. */
  summary(): TableSummary {
    const names = columnNames(this.#names, this.#columns.length);
    const columns: NamedColumn[] = [];
    let bytes = 0;
    const encoder = new TextEncoder();
    for (const [i, column] of this.#columns.entries()) {
      const named = { name: names[i]!, ...column.summary() };
      bytes += encoder.encode(JSON.stringify(named)).length + 1;
      if (bytes > COLUMNS_BYTES) break;
      columns.push(named);
    }
    const column_count = this.#width ?? 0;
    return { rows: this.#rows, malformed: this.#malformed, column_count, columns };
  }

  #widen(width: number, states?: ColumnState[]): void {
    this.#width = width;
    const count = Math.min(width, MAX_COLUMNS);
    const each = Math.floor(COLUMNS_BYTES / count);
    this.#columns = Array.from(
      { length: count },
      (_, i) => new ColumnProfile(each, states?.[i], this.#nullText),
    );
  }
}

/** The names of the first `count` columns: none blank, none twice, none long. */
function columnNames(header: string[] | undefined, count: number): string[] {
  const taken = new Set<string>();
  return Array.from({ length: count }, (_, i) => {
    const base = cutText(header?.[i]?.trim() || `column_${i + 1}`, MAX_NAME_BYTES);
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  });
}
