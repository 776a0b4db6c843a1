const encoder = new TextEncoder();

/**
 * The longest beginning of `text` that takes at most `maxBytes` as JSON in UTF-8, quotes included;
 * whole code points only. Always a copy: it does not keep alive what `text` was cut from.
 */
export function cutText(text: string, maxBytes: number): string {
  let json = JSON.stringify(text.slice(0, maxBytes));
  for (let end = maxBytes;;) {
    // No unit takes more than the six bytes of an escape.
    const excess = json.length * 3 <= maxBytes ? 0 : encoder.encode(json).length - maxBytes;
    if (excess <= 0) return JSON.parse(json);
    end = text.slice(0, end - Math.ceil(excess / 6)).replace(/[\ud800-\udbff]$/, "").length;
    json = JSON.stringify(text.slice(0, end));
  }
}
