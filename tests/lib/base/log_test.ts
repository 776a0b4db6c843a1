import { assert, assertEquals } from "@std/assert";
import { createLogger, type LoggerOptions } from "../../../lib/base/log.ts";

function logged(options: LoggerOptions): string[] {
  const lines: string[] = [];
  const log = createLogger({ now: () => 0, write: (line) => lines.push(line), ...options });
  for (const level of ["debug", "info", "warn", "error"] as const) {
    log[level](`a ${level}`, { n: 1 });
  }
  return lines;
}

Deno.test("createLogger() writes a JSON line for each record at or above its level", () => {
  const lines = logged({ level: "warn" }).map((line) => JSON.parse(line));
  const time = "1970-01-01T00:00:00.000Z";
  assertEquals(lines, [
    { time, level: "warn", message: "a warn", n: 1 },
    { time, level: "error", message: "a error", n: 1 },
  ]);
  assertEquals([logged({}).length, logged({ level: "debug" }).length], [3, 4]);
  assertEquals(logged({ level: "off" }), []);
});

Deno.test("createLogger() writes an error with its stack, on one line", () => {
  const lines: string[] = [];
  for (const pretty of [false, true]) {
    const log = createLogger({ pretty, write: (line) => lines.push(line) });
    log.error("it broke", { error: new RangeError("two\nlines") });
  }
  for (const line of lines) {
    assert(!line.includes("\n") && line.includes("RangeError: two\\nlines"));
    assert(line.includes("log_test.ts"));
  }
});
