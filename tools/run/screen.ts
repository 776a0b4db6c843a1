const encoder = new TextEncoder();

/** Milliseconds between two drawings. */
const DRAW_MS = 100;

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_LINE = "\r\x1b[K";

/** Lines, and on a terminal one line below them that changes. */
export class Screen implements Disposable {
  /** Whether a person looks at it. */
  readonly terminal: boolean = Deno.stdout.isTerminal();
  #bar: ((width: number) => string) | null = null;
  #drawn = "";
  #timer: ReturnType<typeof setInterval> | undefined;

  /** What stands below the lines, redrawn ten times a second, in the width there is. */
  bar(draw: (width: number) => string): void {
    if (!this.terminal) return;
    this.#bar = draw;
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#draw(), DRAW_MS);
    this.#write(HIDE_CURSOR);
    this.#draw();
  }

  /** Lines above the bar. They must be clean. */
  print(text: string): void {
    const clear = this.#drawn === "" ? "" : CLEAR_LINE;
    this.#write(`${clear}${text}\n${this.#drawn}`);
  }

  #draw(): void {
    // The last column stays free: some terminals wrap as soon as it is written.
    const line = this.#bar?.(Math.max(1, columns() - 1)) ?? "";
    if (line === this.#drawn) return;
    this.#drawn = line;
    this.#write(CLEAR_LINE + line);
  }

  #write(text: string): void {
    write(Deno.stdout, text);
  }

  /** Takes the bar away and gives the cursor back. */
  [Symbol.dispose](): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#bar = null;
    this.#drawn = "";
    this.#write(CLEAR_LINE + SHOW_CURSOR);
  }
}

/** Writes all of a text. */
export function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(to.writeSync(bytes));
}

function columns(): number {
  try {
    // Some report a terminal without columns.
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}
