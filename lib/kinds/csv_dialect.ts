import { RecordFramer } from "./record_framer.ts";

/** The delimiters that {@link detectDialect} knows; the first wins a tie. */
export const DELIMITERS = [",", ";", "\t", "|"] as const;

/** How many records the delimiter is judged by. */
const SAMPLE_RECORDS = 100;
const LF = 10;
const CR = 13;
const QUOTE = 34;

/** How a CSV file is written. */
export interface CsvDialect {
  /** Bytes of the byte order mark: 3 or 0. */
  bom: number;
  /** The byte that ends a line: 10 (also for CR LF), or 13 in files that have no LF. */
  newline: number;
  /** What separates the cells. */
  delimiter: string;
}

/**
 * Tells how a CSV file is written, from its first bytes. The delimiter is the one that occurs in
 * the first record and then most evenly in the others, outside of quotes; a comma if none does.
 *
 * @param delimiter Skips the detection of it.
 * @throws {Error} If the file is UTF-16.
 */
export function detectDialect(sample: Uint8Array, delimiter?: string): CsvDialect {
  const [first, second, third] = sample;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new Error("Cannot read the file as it is UTF-16: save it as UTF-8");
  }
  const bom = first === 0xef && second === 0xbb && third === 0xbf ? 3 : 0;
  const newline = detectNewline(sample);
  return { bom, newline, delimiter: delimiter ?? detectDelimiter(sample.subarray(bom), newline) };
}

/** A CR alone ends lines only where no LF does, quoted cells aside. */
function detectNewline(sample: Uint8Array): number {
  let quoting = false;
  let newline = LF;
  for (const [i, byte] of sample.entries()) {
    if (byte === QUOTE) quoting = !quoting;
    if (quoting) continue;
    if (byte === LF) return LF;
    // The LF of a CR at the very end may be the byte after the sample.
    if (byte === CR && i < sample.length - 1) newline = CR;
  }
  return newline;
}

function detectDelimiter(sample: Uint8Array, newline: number): string {
  const counts = countDelimiters(sample, newline);
  let best: string = DELIMITERS[0];
  let bestScore = 0;
  DELIMITERS.forEach((delimiter, i) => {
    const inFirst = counts[0]?.[i] ?? 0;
    if (inFirst === 0) return;
    const agreeing = counts.filter((record) => record[i] === inFirst).length;
    // Evenness first; among equals the one that makes more columns.
    const score = agreeing + inFirst / (inFirst + 1);
    if (score > bestScore) {
      bestScore = score;
      best = delimiter;
    }
  });
  return best;
}

/** How often each delimiter occurs outside of quotes, record by record. */
function countDelimiters(sample: Uint8Array, newline: number): number[][] {
  const framer = new RecordFramer(newline);
  framer.push(sample);
  const codes = DELIMITERS.map((delimiter) => delimiter.charCodeAt(0));
  const counts: number[][] = [];
  while (counts.length < SAMPLE_RECORDS) {
    let frame = framer.next();
    // The sample may end within its only record.
    if (frame === undefined && counts.length === 0) {
      framer.finish();
      frame = framer.next();
    }
    if (frame === undefined) break;
    const record = codes.map(() => 0);
    let quoting = false;
    for (let i = frame.start; i < frame.end; i++) {
      const byte = framer.bytes[i]!;
      if (byte === QUOTE) quoting = !quoting;
      else if (!quoting) {
        const at = codes.indexOf(byte);
        if (at >= 0) record[at]!++;
      }
    }
    counts.push(record);
    if (frame.problem !== undefined) framer.skipLine(frame);
  }
  return counts;
}
