import { CELL_TYPES, type CellType, cellType } from "./cell_type.ts";
import { cutText } from "./cut_text.ts";
import { DistinctCounter, type DistinctState } from "./distinct_counter.ts";
import { type HashPair, hashText } from "./hash_text.ts";

/** Bytes of JSON that all but the texts and the distinct values of a state take at most. */
const FIXED_BYTES = 230;
const MAX_TEXT_BYTES = 200;
/** Values whose type is remembered, a power of two. */
const KNOWN_VALUES = 64;
const SPACE = 32;

/** What a column turned out to hold: one type throughout, `mixed`, or no value at all. */
export type ColumnType = CellType | "mixed" | "empty";

/** The profile of one column. */
export interface ColumnSummary {
  /** What its values are, cells without one aside. */
  type: ColumnType;
  /** How many values of each type there are, where the type is `mixed`. */
  types?: Partial<Record<CellType, number>>;
  /** Cells without a value: blank ones, and those that say so. */
  nulls: number;
  /** Different values, those aside. */
  distinct: number;
  /** Whether `distinct` is exact; else it is an estimate. */
  distinct_exact: boolean;
  /**
   * The least value: a number in a numeric column (rounded beyond 2^53), else a text by UTF-16
   * units, cut where it is long; `null` where there is no value.
   */
  min: number | string | null;
  /** The greatest value, likewise. */
  max: number | string | null;
  /** The mean of a numeric column. */
  mean?: number;
  /** UTF-16 units of the shortest value of a column that is not numeric. */
  min_length?: number;
  /** UTF-16 units of the longest value of a column that is not numeric. */
  max_length?: number;
}

/** A {@link ColumnProfile} as JSON, kept short. */
export interface ColumnState {
  /** Blank cells. */
  nulls: number;
  /** Values by type, in the order of {@link CELL_TYPES}. */
  counts: number[];
  /** Least and greatest length and text; absent before the first value. */
  texts?: [minLength: number, maxLength: number, min: string, max: string];
  /** Least, greatest and mean number; absent before the first number. */
  numbers?: [min: number, max: number, mean: number];
  /** The different values. */
  distinct: DistinctState;
}

/**
 * Profiles the cells of one column in bounded memory. White space around a cell is not part of its
 * value. Its state as JSON never exceeds `maxBytes`, and a profile that goes on from its state ends
 * the same as one that never stopped.
 */
export class ColumnProfile {
  #nullText: string;
  #maxText: number;
  #nulls: number;
  #counts: number[];
  #texts: [minLength: number, maxLength: number, min: string, max: string] | undefined;
  #numbers: [min: number, max: number, mean: number] | undefined;
  #distinct: DistinctCounter;
  // Repeated values are frequent, and need no more than to be counted.
  #last = "";
  #lastType = -1;
  #lastNumber = NaN;
  // By hash, so as not to keep alive the texts that the values were cut from.
  #hash: HashPair = { high: 0, low: 0 };
  #known = {
    high: new Uint32Array(KNOWN_VALUES),
    low: new Uint32Array(KNOWN_VALUES),
    type: new Int8Array(KNOWN_VALUES),
    number: new Float64Array(KNOWN_VALUES),
  };

  /**
   * Begins, or goes on from a state.
   *
   * @param maxBytes What the state may take as JSON, at least 450.
   * @param nullText What a cell without a value says, beside nothing at all.
   */
  constructor(maxBytes: number, state?: ColumnState, nullText = "") {
    this.#nullText = nullText;
    this.#maxText = Math.min(MAX_TEXT_BYTES, Math.floor(maxBytes / 12));
    this.#nulls = state?.nulls ?? 0;
    this.#counts = state?.counts ?? CELL_TYPES.map(() => 0);
    this.#texts = state?.texts;
    this.#numbers = state?.numbers;
    const maxDistinct = maxBytes - FIXED_BYTES - 2 * this.#maxText;
    this.#distinct = new DistinctCounter(maxDistinct, state?.distinct);
  }

  /** Takes a cell. */
  add(cell: string): void {
    const padded = cell.charCodeAt(0) <= SPACE || cell.charCodeAt(cell.length - 1) <= SPACE;
    const value = padded ? cell.trim() : cell;
    if (value === "" || value === this.#nullText) {
      this.#nulls++;
      return;
    }
    if (value !== this.#last) this.#look(value);
    this.#counts[this.#lastType]!++;
    if (this.#lastType <= LAST_NUMERIC) this.#addNumber(this.#lastNumber);
  }

  /** The state as JSON. */
  state(): ColumnState {
    return {
      nulls: this.#nulls,
      counts: [...this.#counts],
      ...(this.#texts === undefined ? {} : { texts: [...this.#texts] }),
      ...(this.#numbers === undefined ? {} : { numbers: [...this.#numbers] }),
      distinct: this.#distinct.state(),
    };
  }

  /** The profile so far. */
  summary(): ColumnSummary {
    const type = this.#type();
    const numeric = type === "integer" || type === "number";
    const texts = this.#texts;
    const numbers = this.#numbers;
    return {
      type,
      ...(type === "mixed" ? { types: this.#types() } : {}),
      nulls: this.#nulls,
      distinct: this.#distinct.count,
      distinct_exact: this.#distinct.exact,
      min: (numeric ? numbers?.[0] : texts?.[2]) ?? null,
      max: (numeric ? numbers?.[1] : texts?.[3]) ?? null,
      ...(numeric && numbers !== undefined ? { mean: numbers[2] } : {}),
      ...(!numeric && texts !== undefined ? { min_length: texts[0], max_length: texts[1] } : {}),
    };
  }

  /** Finds out what a value is, and whether that was known before. */
  #look(value: string): void {
    const hash = this.#hash;
    const known = this.#known;
    hashText(value, hash);
    const at = hash.low & (KNOWN_VALUES - 1);
    if (known.high[at] !== hash.high || known.low[at] !== hash.low) {
      const type = CELL_TYPES.indexOf(cellType(value));
      known.high[at] = hash.high;
      known.low[at] = hash.low;
      known.type[at] = type;
      // `+ 0` since JSON has no negative zero.
      if (type <= LAST_NUMERIC) known.number[at] = Number(value) + 0;
      this.#addValue(value);
    }
    this.#last = value;
    this.#lastType = known.type[at]!;
    this.#lastNumber = known.number[at]!;
  }

  /** What a value needs but once. */
  #addValue(value: string): void {
    this.#distinct.add(this.#hash);
    const texts = this.#texts;
    if (texts === undefined) {
      const text = cutText(value, this.#maxText);
      this.#texts = [value.length, value.length, text, text];
      return;
    }
    if (value.length < texts[0]) texts[0] = value.length;
    if (value.length > texts[1]) texts[1] = value.length;
    if (value < texts[2]) texts[2] = cutText(value, this.#maxText);
    if (value > texts[3]) texts[3] = cutText(value, this.#maxText);
  }

  #addNumber(value: number): void {
    const numbers = this.#numbers;
    if (numbers === undefined) {
      this.#numbers = [value, value, value];
      return;
    }
    if (value < numbers[0]) numbers[0] = value;
    if (value > numbers[1]) numbers[1] = value;
    const count = this.#counts[INTEGER]! + this.#counts[NUMBER]!;
    const delta = value - numbers[2];
    // The difference of two large numbers may overflow where the mean does not.
    numbers[2] += Number.isFinite(delta) ? delta / count : value / count - numbers[2] / count;
  }

  #types(): Partial<Record<CellType, number>> {
    const counted = CELL_TYPES.map((type, i) => [type, this.#counts[i]!] as const);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  }

  #type(): ColumnType {
    const types = Object.keys(this.#types()) as CellType[];
    if (types.length <= 1) return types[0] ?? "empty";
    if (types.every((type) => type === "integer" || type === "number")) return "number";
    if (types.every((type) => type === "date" || type === "datetime")) return "datetime";
    return "mixed";
  }
}

const INTEGER = CELL_TYPES.indexOf("integer");
const NUMBER = CELL_TYPES.indexOf("number");
/** The numeric types come first in {@link CELL_TYPES}. */
const LAST_NUMERIC = NUMBER;
