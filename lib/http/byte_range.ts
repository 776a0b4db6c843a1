/**
 * The part of a file that a request asks for with `Range` (RFC 9110 §14).
 *
 * @module
 */

/** Bytes from `start` to before `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * The range that a request asks for: `"all"` for none, for several, or for one that is not valid, which
 * a server may answer in full; `null` if there are no such bytes.
 *
 * @param etag The file's strong ETag: with `If-Range`, a part of another version is of no use.
 */
export function byteRange(headers: Headers, size: number, etag: string): ByteRange | "all" | null {
  const text = headers.get("range");
  if (text === null) return "all";
  const condition = headers.get("if-range");
  if (condition !== null && condition.trim() !== etag) return "all";
  const [, first, last] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(text) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return "all";
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? null : { start: size - length, end: size };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return "all";
  if (start >= size) return null;
  return { start, end: last === "" ? size : Math.min(size, Number(last) + 1) };
}
