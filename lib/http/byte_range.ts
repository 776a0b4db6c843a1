/**
 * The part of a file that a request asks for with `Range` (RFC 9110 §14).
 *
 * @module
 */

/** Bytes from `start` up to `end`, that one not included. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * The one range that a request asks for: `"all"` without one, and with several or what is no range,
 * which a server may answer in full; `null` where there are no such bytes.
 *
 * @param etag Of the file as it is, strong: with `If-Range` a part of another one is of no use.
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
