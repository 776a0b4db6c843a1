import { analyse } from "chardet";

/** By how many bytes an encoding is judged, from the first that is not ASCII. */
export const SAMPLE_BYTES = 65_536;
/** By how many of 100 points the likeliest encoding must lead, so that it is not a guess. */
const SURE_LEAD = 15;
/** How many bytes beyond ASCII there must be, so that it is not a guess. */
const SURE_BYTES = 16;
/** The share of characters beyond ASCII that may be damaged. */
const MAX_DAMAGE = 0.02;

/** The encodings that can be read, as the Encoding Standard calls them. */
export const ENCODINGS = [
  "utf-8",
  "utf-16le",
  "utf-16be",
  "gbk",
  "gb18030",
  "big5",
  "shift_jis",
  "euc-jp",
  "euc-kr",
  "windows-1250",
  "windows-1251",
  "windows-1252",
  "windows-1253",
  "windows-1254",
  "windows-1255",
  "windows-1256",
  "windows-1257",
  "windows-1258",
  "windows-874",
  "iso-8859-2",
  "iso-8859-3",
  "iso-8859-4",
  "iso-8859-5",
  "iso-8859-6",
  "iso-8859-7",
  "iso-8859-8",
  "iso-8859-8-i",
  "iso-8859-10",
  "iso-8859-13",
  "iso-8859-14",
  "iso-8859-15",
  "iso-8859-16",
  "koi8-r",
  "koi8-u",
  "ibm866",
  "macintosh",
  "x-mac-cyrillic",
] as const;

/** How the bytes of a file become text. */
export interface TextEncoding {
  /** As the Encoding Standard calls it. */
  name: string;
  /** Whether it is more than a guess. */
  sure: boolean;
}

/** The standard's name for a label of an encoding; `undefined` if it cannot be read. */
export function encodingName(label: string): string | undefined {
  try {
    const { encoding } = new TextDecoder(label);
    // In the others bytes have no meaning by themselves.
    return ENCODINGS.find((name) => name === encoding);
  } catch {
    return undefined;
  }
}

/** Where a text stops being ASCII; its length if it never does. */
export function asciiEnd(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length && bytes[at]! < 0x80) at++;
  return at;
}

/**
 * The encoding of a file, from its beginning.
 *
 * @param start At least two samples of it, or all.
 * @returns `undefined` if it begins with ASCII alone: `encodingOf` tells later.
 */
export function encodingAtStart(start: Uint8Array): TextEncoding | undefined {
  const [a, b, c] = start;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { name: "utf-8", sure: true };
  if (a === 0xff && b === 0xfe) return { name: "utf-16le", sure: true };
  if (a === 0xfe && b === 0xff) return { name: "utf-16be", sure: true };
  const sample = start.subarray(0, SAMPLE_BYTES);
  const wide = utf16Name(sample);
  if (wide !== undefined) return { name: wide, sure: true };
  const at = asciiEnd(sample);
  return at === sample.length ? undefined : encodingOf(start.subarray(at, at + SAMPLE_BYTES));
}

/**
 * The encoding of a text, by a sample that begins with its first byte beyond ASCII. UTF-8 can be
 * told for certain; the others by what letters are usual, among those that all of it can be.
 */
export function encodingOf(sample: Uint8Array): TextEncoding {
  if (damage(sample, "utf-8") <= MAX_DAMAGE) return { name: "utf-8", sure: true };
  const telling = foreignCells(sample);
  const likely = analyse(telling).flatMap(({ name, confidence }) => {
    const known = encodingName(name);
    if (known === undefined || known === "utf-8" || known.startsWith("utf-16")) return [];
    return damage(sample, known) > MAX_DAMAGE ? [] : [{ name: known, confidence }];
  });
  const [best] = likely;
  if (best === undefined) return { name: "windows-1252", sure: false };
  const text = decode(telling, best.name);
  const rival = likely.find(({ name }) => decode(telling, name) !== text);
  const lead = best.confidence - (rival?.confidence ?? 0);
  const bytes = telling.reduce((count, byte) => byte < 0x80 ? count : count + 1, 0);
  return { name: best.name, sure: lead >= SURE_LEAD && bytes >= SURE_BYTES };
}

/** UTF-16 without a mark: ASCII in it has a zero for every other byte, always on the same side. */
function utf16Name(sample: Uint8Array): string | undefined {
  const zeros: [number, number] = [0, 0];
  for (let i = 0; i < sample.length; i++) if (sample[i] === 0) zeros[i % 2 as 0 | 1]++;
  const [even, odd] = zeros;
  if ((even + odd) * 10 < sample.length) return undefined;
  const name = odd > even * 10 ? "utf-16le" : even > odd * 10 ? "utf-16be" : undefined;
  if (name === undefined) return undefined;
  const text = decode(sample, name);
  if (/[\ufffd\0]/.test(text)) return undefined;
  // Else its line ends are bytes, and it has some NUL; few other characters have such a byte.
  const ends = text.match(/[\n\r]/g)?.length ?? 0;
  return ends * 4 >= sample.filter((byte) => byte === 10 || byte === 13).length ? name : undefined;
}

/**
 * The share of characters beyond ASCII that could not be decoded, or mean nothing in a text. The last
 * one may be cut.
 */
function damage(sample: Uint8Array, name: string): number {
  const text = decode(sample, name);
  const foreign = text.match(/[^\0-\x7f]/gu)?.length ?? 0;
  const wrong = text.match(/[\x80-\x9f\ue000-\uf8ff\ufffd]/g)?.length ?? 0;
  return foreign === 0 ? 1 : wrong / foreign;
}

/** The cells that are not ASCII: the others would drown what tells the language. */
function foreignCells(sample: Uint8Array): Uint8Array {
  const cells: number[] = [];
  let start = 0;
  for (let at = 0; at <= sample.length; at++) {
    // None of these is ever the second byte of a character.
    if (at < sample.length && !'\t\n\r",;'.includes(String.fromCharCode(sample[at]!))) continue;
    const cell = sample.subarray(start, at);
    if (asciiEnd(cell) < cell.length) cells.push(...cell, 32);
    start = at + 1;
  }
  return Uint8Array.from(cells);
}

function decode(bytes: Uint8Array, name: string): string {
  return new TextDecoder(name, { ignoreBOM: true }).decode(bytes, { stream: true });
}
