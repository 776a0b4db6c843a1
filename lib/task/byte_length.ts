/** The UTF-8 length of a text, without encoding it. Lone surrogates count as U+FFFD: 3 bytes. */
export function byteLength(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    size += unit < 0x800 ? 1 : 2;
    const pair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (pair) i++; // two units, four bytes: already counted as 2 + 2
  }
  return size;
}
