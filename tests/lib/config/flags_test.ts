import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/config/config.ts";
import { namedByFlag, readFlags, requireFiles } from "../../../lib/config/flags.ts";

Deno.test("readFlags() takes --kinds several times, each with one module or a list", () => {
  const kinds = (...args: string[]) => readFlags(args.flatMap((arg) => ["--kinds", arg]));
  const serve = (settings: Record<string, string>) => ({ type: "serve" as const, settings });
  assertEquals(kinds("./a.ts"), serve({ HEADWAY_KINDS: "./a.ts" }));
  assertEquals(kinds("a.ts,b.ts", "jsr:@x/c"), serve({ HEADWAY_KINDS: "a.ts,b.ts,jsr:@x/c" }));
  assertEquals(readFlags(["--port=0"]), serve({ HEADWAY_PORT: "0" }));
  assertEquals(readFlags([]), serve({}));
  assertEquals([readFlags(["-h"]), readFlags(["--version"])], [{ type: "help" }, {
    type: "version",
  }]);
});

Deno.test("readFlags() says what would be right if it cannot read the command line", () => {
  const wrong: [args: string[], why: string][] = [
    [["--kind", "a.ts"], "Unknown option '--kind': --help lists the options"],
    [["--kinds"], "Option '--kinds <value>' argument missing: --help lists the options"],
    [
      ["--kinds", "--port", "1"],
      "Option '--kinds' argument is ambiguous: --help lists the options",
    ],
    [["--kinds", " "], "--kinds must not be blank"],
    [["--port="], "--port must not be blank"],
    [["tasks.ts"], "There is no command 'tasks.ts': for your own kinds write --kinds tasks.ts"],
    [["constructor"], "There is no command 'constructor': --help lists them"],
  ];
  for (const [args, why] of wrong) {
    assertEquals(assertThrows(() => readFlags(args), ConfigError).message, why);
  }
});

Deno.test("namedByFlag() names a wrong setting by its flag, if a flag gave it", () => {
  const error = new ConfigError("HEADWAY_PORT must be a whole number");
  const named = namedByFlag(error, { HEADWAY_PORT: "x" }) as ConfigError;
  assertEquals(named.message, "--port must be a whole number");
  assertEquals(namedByFlag(error, { HEADWAY_KINDS: "x" }), error);
});

Deno.test("requireFiles() refuses a module of kinds that is not an existing file", async () => {
  await requireFiles([import.meta.url, "npm:x", "https://x.example/kinds.ts"]);
  for (const path of ["./no such.ts", "./"]) {
    const { href } = new URL(path, import.meta.url);
    await assertRejects(() => requireFiles([href]), ConfigError, "--kinds must name files: /");
  }
});
