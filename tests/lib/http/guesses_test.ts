import { assertEquals, assertThrows } from "@std/assert";
import { HttpError } from "../../../lib/http/errors.ts";
import { Guesses } from "../../../lib/http/guesses.ts";
import { parseTokens } from "../../../lib/http/tokens.ts";

const WEAK = { name: "weak", guessable: true };
const STRONG = { name: "strong", guessable: false };

/** Guesses from an address until it has to wait. */
function guess(guesses: Guesses, client: string): { wrong: number; error: HttpError } {
  for (let wrong = 0;; wrong++) {
    try {
      guesses.wrong(client);
    } catch (error) {
      return { wrong, error: error as HttpError };
    }
  }
}

Deno.test("Guesses.wrong() lets an address guess ten times at once, and then once a second", () => {
  let now = 0;
  const guesses = new Guesses(() => now);
  const { wrong, error } = guess(guesses, "a");
  assertEquals([wrong, error.status, error.options.headers], [10, 429, { "retry-after": "1" }]);
  assertEquals(guess(guesses, "b").wrong, 10);
  now = 3000;
  assertEquals(guess(guesses, "a").wrong, 3);
});

Deno.test("Guesses.right() accepts a token that is in use at an address where somebody guesses", () => {
  const guesses = new Guesses(() => 0);
  guesses.right("a", WEAK);
  guess(guesses, "a");
  for (let n = 0; n < 1000; n++) guesses.right("a", WEAK);
  guesses.right("b", WEAK);
});

Deno.test("Guesses.right() always accepts a token that is too strong to be guessed", () => {
  const guesses = new Guesses(() => 0);
  guess(guesses, "a");
  for (let n = 0; n < 1000; n++) guesses.right("a", STRONG);
});

Deno.test("Guesses.right() makes a right guess wait as long as a wrong one", () => {
  let now = 0;
  const guesses = new Guesses(() => now);
  const { error } = guess(guesses, "a");
  const right = assertThrows(() => guesses.right("a", WEAK), HttpError);
  assertEquals([right.status, right.message], [error.status, error.message]);
  now = 1000;
  guesses.right("a", WEAK);
  guess(guesses, "a");
  guesses.right("a", WEAK);
});

Deno.test("Guesses remembers the 10,000 pairs of address and token that were used last", () => {
  const guesses = new Guesses(() => 0);
  for (let n = 0; n < 10_000; n++) guesses.right(`10.0.${n >> 8}.${n & 255}`, WEAK);
  guesses.right("10.0.0.0", WEAK);
  guesses.right("10.1.0.0", WEAK);
  for (const client of ["10.0.0.0", "10.0.0.1", "10.1.0.0"]) guess(guesses, client);
  guesses.right("10.0.0.0", WEAK);
  guesses.right("10.1.0.0", WEAK);
  assertThrows(() => guesses.right("10.0.0.1", WEAK), HttpError, "Too many wrong tokens");
});

Deno.test("parseTokens() says which secrets might be guessed", () => {
  const guessable = (secret: string) => parseTokens(`me:admin:${secret}`)[0]!.guessable;
  for (const secret of ["password12345678", "a".repeat(100), "correct-horse-battery"]) {
    assertEquals(guessable(secret), true, secret);
  }
  const made = [16, 24, 32].map((size) => crypto.getRandomValues(new Uint8Array(size)));
  for (const bytes of made) assertEquals(guessable(bytes.toHex()), false, bytes.toHex());
  assertEquals(guessable(crypto.randomUUID()), false);
});
