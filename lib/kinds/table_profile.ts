import { ColumnProfile, type ColumnState, type ColumnSummary } from "./column_profile.ts";
import { cutText } from "./cut_text.ts";
import type { Decimal } from "./plain_number.ts";
import { hasWidth } from "./table_start.ts";

/** Columns beyond are checked and counted, not profiled. */
const MAX_COLUMNS = 100;
/** Bytes of JSON for all columns; a checkpoint and a result may have 48 KiB. */
const COLUMNS_BYTES = 45_500;
/** Bytes that a column takes of these at most, besides its texts and different values. */
const COLUMN_BYTES = 300;
const MAX_TEXT_BYTES = 200;
const MAX_NAME_BYTES = 60;
/** Bytes to remember a value: 64 bits in base64. */
const VALUE_BYTES = 11;

/** A column of the result: its profile and name. */
export interface NamedColumn extends ColumnSummary {
  /** From the header, else `column_1`, `column_2`, … A repeated name gets a number: `name_2`. */
  name: string;
}

/** What is known of the table of a {@link TableProfile}. */
export interface TableOptions {
  /** Whether the first row names the columns. @default {true} */
  header?: boolean | undefined;
  /** Whether a delimiter follows the last cell of the first row. @default {false} */
  trailing?: boolean | undefined;
  /** What a cell without a value contains, unless it is blank. */
  nullText?: string | undefined;
  /** What separates decimals, if that is known. */
  decimal?: Decimal | undefined;
}

/** The columns of a table, summed up. */
export interface TableSummary {
  /** Columns in all. */
  column_count: number;
  /** The first 100 columns. */
  columns: NamedColumn[];
}

/** A {@link TableProfile} as JSON. */
export interface TableState {
  /** Rows profiled. */
  rows: number;
  /** Columns in all; 0 before the first row. */
  width: number;
  /** Of the first {@link MAX_COLUMNS}. */
  names: string[];
  /** Of the first {@link MAX_COLUMNS}. */
  columns: ColumnState[];
}

/**
 * Profiles a table row by row, in bounded memory and with a state bounded in size: the columns
 * share the room for different values, and where it is used up the one with the most gives up.
 */
export class TableProfile {
  /** Rows profiled. */
  rows = 0;
  /** Columns in all; 0 before the first row. */
  width = 0;
  #options: TableOptions;
  #names: string[] = [];
  #columns: ColumnProfile[] = [];
  #maxRemembered = 0;

  /** Begins, or goes on from a state. */
  constructor(options: TableOptions = {}, state?: TableState) {
    this.#options = options;
    if (state === undefined) return;
    this.rows = state.rows;
    this.#begin(state.width, state.names, state.columns);
  }

  /**
   * Takes a row. One with too few or too many cells is left out, and the answer tells why.
   *
   * @param undecoded Whether U+FFFD stands for something else in it: two values may look alike.
   */
  add(row: string[], undecoded = false): string | undefined {
    if (this.width === 0) {
      const { header = true, trailing = false } = this.#options;
      const width = row.length - (trailing ? 1 : 0);
      this.#begin(width, columnNames(row.slice(0, Math.min(width, MAX_COLUMNS)), header));
      if (header) return undefined;
    }
    if (!hasWidth(row, this.width)) {
      return `${row.length} ${row.length === 1 ? "cell" : "cells"} instead of ${this.width}`;
    }
    this.rows++;
    let remembered = 0;
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i]!;
      column.add(row[i]!);
      if (undecoded && row[i]!.includes("\ufffd")) column.forget();
      remembered += column.remembered;
    }
    this.#fit(remembered);
    return undefined;
  }

  /** Takes the profile of other rows of the same table. */
  merge({ rows, columns }: TableState): void {
    this.rows += rows;
    columns.forEach((column, i) => this.#columns[i]!.merge(column));
    this.#fit(this.#columns.reduce((sum, { remembered }) => sum + remembered, 0));
  }

  state(): TableState {
    const { rows, width } = this;
    const columns = this.#columns.map((column) => column.state());
    return { rows, width, names: this.#names, columns };
  }

  /** The profile so far, small enough for a result. */
  summary(): TableSummary {
    const columns = this.#columns.map((column, i) => ({
      name: this.#names[i]!,
      ...column.summary(),
    }));
    return { column_count: this.width, columns };
  }

  /** Has as many columns forget their values as it takes. */
  #fit(remembered: number): void {
    while (remembered > this.#maxRemembered) {
      const most = this.#columns.reduce((a, b) => b.remembered > a.remembered ? b : a);
      remembered -= most.remembered;
      most.forget();
    }
  }

  #begin(width: number, names: string[], states: ColumnState[] = []): void {
    const maxText = Math.min(MAX_TEXT_BYTES, Math.floor(COLUMNS_BYTES / names.length / 12));
    const columnBytes = COLUMN_BYTES + 2 * maxText;
    this.width = width;
    this.#names = names;
    const { nullText = "", decimal } = this.#options;
    this.#columns = names.map((_, i) => new ColumnProfile(maxText, nullText, decimal, states[i]));
    this.#maxRemembered = (COLUMNS_BYTES - names.length * columnBytes) / VALUE_BYTES;
  }
}

/** Names for the columns: none is blank, none is there twice, none is long. */
function columnNames(row: string[], header: boolean): string[] {
  const taken = new Set<string>();
  return row.map((cell, i) => {
    const base = cutText((header && cell.trim()) || `column_${i + 1}`, MAX_NAME_BYTES);
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  });
}
