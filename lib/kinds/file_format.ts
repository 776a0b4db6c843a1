/** Formats by the bytes at a file's start. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ["PK\x03\x04", "a ZIP file, as .xlsx and .ods are: save the sheet as CSV"],
  ["\xd0\xcf\x11\xe0", "an old Office file (.xls): save the sheet as CSV"],
  ["\x1f\x8b", "compressed with gzip: unpack it first"],
  ["BZh", "compressed with bzip2: unpack it first"],
  ["\xfd7zXZ\0", "compressed with xz: unpack it first"],
  ["\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"],
  ["Rar!\x1a", "a RAR archive: unpack it first"],
  ["%PDF-", "a PDF document"],
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["SQLite format 3\0", "an SQLite database"],
  ["PAR1", "a Parquet file"],
  ["{\\rtf", "an RTF document"],
  ["\xff\xfe\0\0", "UTF-32: save it as UTF-8"],
  ["\0\0\xfe\xff", "UTF-32: save it as UTF-8"],
];

/** Formats by the text at a file's start. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [
    /^--\S{1,200}\r?\ncontent-disposition:/i,
    "a multipart form: upload the file itself, as curl --data-binary does",
  ],
  [/^\s*<(?:!doctype html|html|head|body|table|meta|script)\b/i, "an HTML page"],
  // Needs a second tag: names may be in angle brackets, with a delimiter between them.
  [/^\s*<(?:[?!]|[a-z][^<>]*>[ \r\n]*<)/i, "XML"],
  [/^\s*<([a-z][\w:-]*)[^<>]*>[^<]*<\/\1>/i, "XML"],
  [/^\s*(?:\{\s*(?:"[^"]*"\s*:|\}\s*$)|\[\s*(?:[[{]|\]\s*$|[\d"-][^\]\n]*[,\n]))/, "JSON"],
  // deno-lint-ignore no-control-regex
  [/\x1b\$[@B]/, "ISO-2022-JP: save it as UTF-8"],
];

/** The shares of control characters, and of NUL, from which on a file is not text. */
const MAX_CONTROL = 0.02;
const MAX_NUL = 0.3;

/**
 * Tells what a file is if it is not CSV, whatever its name says.
 *
 * @param start The first bytes.
 * @param text The first bytes, decoded.
 */
export function otherFormat(start: Uint8Array, text: string): string | undefined {
  const bytes = Array.from(start.subarray(0, 16), (byte) => String.fromCharCode(byte)).join("");
  const [, format] = SIGNATURES.find(([signature]) => bytes.startsWith(signature)) ?? [];
  // A CSV header may begin as these do.
  const plain = /^(?:BZh(?![1-9]1AY)|GIF8(?![79]a)|PAR1[ -~])/.test(bytes);
  if (format !== undefined && !plain) return format;
  const body = text.replace(/^\ufeff/, "");
  for (const [pattern, format] of TEXTS) if (pattern.test(body)) return format;
  // deno-lint-ignore no-control-regex
  const control = body.match(/[\x01-\x08\x0e-\x1b]/g)?.length ?? 0;
  const binary = control > 8 + body.length * MAX_CONTROL ||
    body.split("\0").length > 8 + body.length * MAX_NUL;
  return binary ? "binary data" : undefined;
}
