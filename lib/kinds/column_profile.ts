import { CELL_TYPES, type CellType, cellType } from "./cell_type.ts";
import { cutText } from "./cut_text.ts";
import { hashText } from "./hash_text.ts";
import { type Decimal, plainNumber } from "./plain_number.ts";

/** The first of the characters without width. */
const NO_WIDTH = 0x200b;
/** What is counted. A code is a string, and makes a difference only beside integers. */
const COUNTED = [...CELL_TYPES, "code"] as const;

/** What a column turned out to hold: one type throughout, `mixed`, or no value at all. */
export type ColumnType = CellType | "mixed" | "empty";

export interface ColumnSummary {
  /** The type of its values, leaving out cells without one. */
  type: ColumnType;
  /** How many values of each type there are, where the type is `mixed`. */
  types?: Partial<Record<CellType, number>>;
  /** Cells without a value: blank ones, and those that hold the text for it. */
  nulls: number;
  /** Different values: all of them, or how many there were when they became too many to remember. */
  distinct: number;
  /** Whether `distinct` is all of them; else there may be more. */
  distinct_exact: boolean;
  /**
   * The least value: a number in a numeric column, else a text by UTF-16
   * units, cut where it is long; `null` where there is no value.
   */
  min: number | string | null;
  /** The greatest value, as `min` gives the least. */
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
  /** Cells without a value. */
  nulls: number;
  /** Values by type, in the order of {@link COUNTED}. */
  counts: number[];
  /** Least and greatest length and text; absent before the first value. */
  texts?: [minLength: number, maxLength: number, min: string, max: string];
  /** Least, greatest and mean number; absent before the first number. */
  numbers?: [min: number, max: number, mean: number];
  /** Hashes of the different values in base64, or how many there were when they were forgotten. */
  distinct: string | number;
}

/**
 * Profiles the cells of one column. White space around a cell is not part of its value. A profile
 * that goes on from its state ends the same as one that never stopped.
 */
export class ColumnProfile {
  #maxText: number;
  #nullText: string;
  #decimal: Decimal | undefined;
  #state: ColumnState = { nulls: 0, counts: COUNTED.map(() => 0), distinct: 0 };
  #hashes: Set<number> | undefined = new Set();

  /**
   * Begins, or goes on from a state.
   *
   * @param maxText Bytes of JSON that the least and the greatest text may take, each.
   * @param nullText What a cell without a value contains, unless it is blank.
   * @param decimal What separates decimals, if that is known.
   */
  constructor(maxText: number, nullText: string, decimal?: Decimal, state?: ColumnState) {
    this.#maxText = maxText;
    this.#nullText = nullText;
    this.#decimal = decimal;
    if (state === undefined) return;
    this.#state = state;
    this.#hashes = hashesOf(state);
  }

  /** How many different values it remembers. */
  get remembered(): number {
    return this.#hashes?.size ?? 0;
  }

  forget(): void {
    if (this.#hashes === undefined) return;
    this.#state.distinct = this.remembered;
    this.#hashes = undefined;
  }

  add(cell: string): void {
    const value = trim(cell);
    if (value === "" || value === this.#nullText) {
      this.#state.nulls++;
      return;
    }
    let plain: string | undefined = value;
    let type = cellType(value);
    // Most numbers are plain already, but where a comma separates decimals a point groups digits.
    if (type === "string" || type === "number" && this.#decimal === ",") {
      plain = plainNumber(value, this.#decimal);
      if (plain !== value) type = plain === undefined ? "string" : cellType(plain);
    }
    this.#state.counts[COUNTED.indexOf(type)]!++;
    // `+ 0` since JSON has no negative zero.
    if (type === "integer" || type === "number") this.#addNumber(Number(plain) + 0);
    this.#addText(value);
    this.#hashes?.add(hashText(value));
  }

  /** Takes the profile of other cells of the same column. */
  merge(other: ColumnState): void {
    const state = this.#state;
    state.nulls += other.nulls;
    if (other.numbers) state.numbers = this.#mergedNumbers(other.numbers, numbersIn(other));
    state.counts = state.counts.map((count, i) => count + other.counts[i]!);
    if (other.texts) {
      const [minLength, maxLength, min, max] = other.texts;
      const texts = state.texts ??= [minLength, maxLength, min, max];
      texts[0] = Math.min(texts[0], minLength);
      texts[1] = Math.max(texts[1], maxLength);
      if (min < texts[2]) texts[2] = min;
      if (max > texts[3]) texts[3] = max;
    }
    const hashes = hashesOf(other);
    if (this.#hashes && hashes) {
      for (const hash of hashes) this.#hashes.add(hash);
      return;
    }
    this.forget();
    // At least as many: which of them are the same is not known.
    state.distinct = Math.max(state.distinct as number, hashes?.size ?? other.distinct as number);
  }

  state(): ColumnState {
    const state = structuredClone(this.#state);
    if (this.#hashes === undefined) return state;
    const hashes = new Float64Array([...this.#hashes]);
    return { ...state, distinct: new Uint8Array(hashes.buffer).toBase64() };
  }

  summary(): ColumnSummary {
    const { nulls, counts, texts, numbers, distinct } = this.#state;
    const codes = counts[COUNTED.indexOf("code")]!;
    const present = CELL_TYPES.map((type, i) => [type, counts[i]!] as const)
      .map(([type, count]): [CellType, number] => {
        if (codes === 0) return [type, count];
        if (type === "integer") return [type, 0];
        return [type, type === "string" ? count + codes + counts[0]! : count];
      })
      .filter(([, count]) => count > 0);
    const type = columnType(present.map(([type]) => type));
    const common = {
      type,
      ...(type === "mixed" ? { types: Object.fromEntries(present) } : {}),
      nulls,
      distinct: this.#hashes?.size ?? distinct as number,
      distinct_exact: this.#hashes !== undefined,
    };
    if (texts === undefined) return { ...common, min: null, max: null };
    if (type === "integer" || type === "number") {
      const [min, max, mean] = numbers!;
      return { ...common, min, max, mean };
    }
    const [min_length, max_length, min, max] = texts;
    return { ...common, min, max, min_length, max_length };
  }

  #addText(value: string): void {
    const texts = this.#state.texts ??= [Infinity, 0, value, ""];
    if (value.length < texts[0]) texts[0] = value.length;
    if (value.length > texts[1]) texts[1] = value.length;
    if (value <= texts[2]) texts[2] = cutText(value, this.#maxText);
    if (value > texts[3]) texts[3] = cutText(value, this.#maxText);
  }

  #mergedNumbers(
    [min, max, mean]: NonNullable<ColumnState["numbers"]>,
    count: number,
  ): NonNullable<ColumnState["numbers"]> {
    const { numbers } = this.#state;
    if (!numbers) return [min, max, mean];
    const share = count / (numbersIn(this.#state) + count);
    // Neither product overflows, as a difference might.
    const both = numbers[2] * (1 - share) + mean * share;
    return [Math.min(numbers[0], min), Math.max(numbers[1], max), both];
  }

  #addNumber(value: number): void {
    const numbers = this.#state.numbers ??= [value, value, 0];
    if (value < numbers[0]) numbers[0] = value;
    if (value > numbers[1]) numbers[1] = value;
    const count = numbersIn(this.#state);
    const delta = value - numbers[2];
    // The difference of two large numbers may overflow where the mean does not.
    numbers[2] += Number.isFinite(delta) ? delta / count : value / count - numbers[2] / count;
  }
}

function numbersIn({ counts }: ColumnState): number {
  const [integers, others] = counts as [number, number];
  return integers + others;
}

/** The hashes of the different values; nothing where they were forgotten. */
function hashesOf({ distinct }: ColumnState): Set<number> | undefined {
  if (typeof distinct === "number") return undefined;
  return new Set(new Float64Array(Uint8Array.fromBase64(distinct).buffer));
}

/** Trims white space and characters without width. */
function trim(cell: string): string {
  const value = cell.trim();
  // Few texts have a character from there on at either end.
  if (!(value.charCodeAt(0) >= NO_WIDTH || value.charCodeAt(value.length - 1) >= NO_WIDTH)) {
    return value;
  }
  let start = 0;
  let end = value.length;
  while (start < end && takesNoRoom(value[start]!)) start++;
  while (start < end && takesNoRoom(value[end - 1]!)) end--;
  return value.slice(start, end);
}

function takesNoRoom(char: string): boolean {
  return /[\s\u200b-\u200d\u2060]/.test(char);
}

function columnType(types: CellType[]): ColumnType {
  if (types.length <= 1) return types[0] ?? "empty";
  if (types.every((type) => type === "integer" || type === "number")) return "number";
  if (types.every((type) => type === "date" || type === "datetime")) return "datetime";
  return "mixed";
}
