import { Buffer } from "node:buffer";
import { detectDialect } from "./csv_dialect.ts";
import type { CsvProfileInput } from "./csv_input.ts";
import type { CsvDialect } from "./csv_rows.ts";
import type { TableStart } from "./table_start.ts";
import { otherFormat } from "./file_format.ts";
import { encodingAtStart, encodingName, SAMPLE_BYTES, type TextEncoding } from "./text_encoding.ts";

export interface CsvStart {
  dialect: CsvDialect;
  /** Where the table begins. */
  start: TableStart;
  /** How the text is encoded; `undefined` if all so far is ASCII. */
  encoding?: TextEncoding | undefined;
}

/** How a file is written, from its first bytes and what the input says. */
export function detectCsv(
  bytes: Uint8Array,
  input: CsvProfileInput,
): CsvStart {
  const named = input.encoding && encodingName(input.encoding);
  const encoding = named ? { name: named, sure: true } : encodingAtStart(bytes);
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const text = new TextDecoder(encoding?.name).decode(sample);
  const format = otherFormat(bytes, text);
  if (format !== undefined) throw new Error(`The file is not CSV but ${format}`);
  const { dialect, start } = detectDialect(sample, encoding?.name, input);
  const { decimal = start.decimal } = input;
  return { dialect, start: { ...start, decimal }, encoding };
}

/** The first bytes: a sample of the text, and one of what is not ASCII in it. */
export async function readStart(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const chunk of source) {
    start = Buffer.concat([start, chunk]);
    if (start.length >= 2 * SAMPLE_BYTES) break;
  }
  return start.subarray(0, 2 * SAMPLE_BYTES);
}
