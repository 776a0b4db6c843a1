/** 64 bits as two unsigned words. Never both 0. */
export interface HashPair {
  /** The upper word. */
  high: number;
  /** The lower word. */
  low: number;
}

/**
 * Hashes a text to 64 well-mixed bits, into `out` so as to allocate nothing: two multiplicative
 * lanes over the UTF-16 units, then the finaliser of MurmurHash3. For sketches, not for secrets:
 * whoever wants collisions can make them. Saved sketches hold its values: it must never change.
 */
export function hashText(text: string, out: HashPair): void {
  let a = 0x9e3779b9;
  let b = 0x3c6ef372;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x85ebca77);
    a ^= a >>> 15;
    b = Math.imul((b << 5 | b >>> 27) + unit, 0xc2b2ae3d);
  }
  const high = mix(a + b + text.length);
  const low = mix(b ^ high);
  out.high = high;
  out.low = high === 0 && low === 0 ? 1 : low;
}

function mix(word: number): number {
  word ^= word >>> 16;
  word = Math.imul(word, 0x85ebca6b);
  word ^= word >>> 13;
  word = Math.imul(word, 0xc2b2ae35);
  word ^= word >>> 16;
  return word >>> 0;
}
