/** For each encoding, the bytes of each character. */
const TABLES = new Map<string, Map<string, number[]>>();

/**
 * Encodes a text in any encoding that `TextDecoder` reads. Outside of UTF-8 and UTF-16, characters
 * of more than two bytes are missing. A byte order mark is written only if the text has one.
 */
export function encodeText(text: string, encoding: string): Uint8Array {
  if (encoding === "utf-8") return new TextEncoder().encode(text);
  if (encoding.startsWith("utf-16")) {
    const bytes = new DataView(new ArrayBuffer(text.length * 2));
    for (let i = 0; i < text.length; i++) {
      bytes.setUint16(i * 2, text.charCodeAt(i), encoding === "utf-16le");
    }
    return new Uint8Array(bytes.buffer);
  }
  const table = TABLES.getOrInsertComputed(encoding, tableOf);
  return Uint8Array.from(
    Array.from(text, (char) => {
      const bytes = table.get(char);
      if (bytes === undefined) throw new RangeError(`${encoding} has no ${JSON.stringify(char)}`);
      return bytes;
    }).flat(),
  );
}

/** The bytes of each character, found by decoding all sequences of one and two bytes. */
function tableOf(encoding: string): Map<string, number[]> {
  const decoder = new TextDecoder(encoding);
  const table = new Map<string, number[]>();
  function add(...bytes: number[]): boolean {
    const char = decoder.decode(Uint8Array.from(bytes));
    if (char.includes("\ufffd") || [...char].length !== 1) return false;
    if (!table.has(char)) table.set(char, bytes);
    return true;
  }
  for (let lead = 0; lead < 256; lead++) {
    if (add(lead)) continue;
    for (let trail = 0x40; trail < 256; trail++) add(lead, trail);
  }
  return table;
}
