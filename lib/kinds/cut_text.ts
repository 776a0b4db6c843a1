/**
 * The longest beginning of `text` that takes at most `maxBytes` as JSON in UTF-8, quotes included;
 * whole code points only. Always a copy: it does not keep alive what `text` was cut from.
 */
export function cutText(text: string, maxBytes: number): string {
  let bytes = 2;
  let end = 0;
  for (const char of text) {
    bytes += jsonBytes(char.codePointAt(0)!);
    if (bytes > maxBytes) break;
    end += char.length;
  }
  // Engines keep a part of a string as a reference to the whole.
  return JSON.parse(JSON.stringify(text.slice(0, end)));
}

function jsonBytes(code: number): number {
  if (code < 0x20) return code >= 8 && code <= 13 && code !== 11 ? 2 : 6;
  if (code < 0x80) return code === 0x22 || code === 0x5c ? 2 : 1;
  if (code < 0x800) return 2;
  if (code >= 0xd800 && code <= 0xdfff) return 6; // a lone surrogate is escaped
  return code < 0x10000 ? 3 : 4;
}
