import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/config/config.ts";
import { readConfig } from "../../../lib/config/read_config.ts";
import { inOptions, optionName, readOptions } from "../../../lib/config/read_options.ts";
import { VARIABLES } from "../../../lib/config/variables.ts";

Deno.test("readOptions() has an option for each variable, and the same defaults as readConfig()", () => {
  assertEquals(readOptions({}), readConfig(() => undefined));
  const fields = Object.keys(readConfig(() => undefined)).map((name) =>
    name === "basePath" ? "path" : name
  );
  assertEquals(VARIABLES.map(({ name }) => optionName(name)).sort(), fields.sort());
});

Deno.test("readOptions() reads values, such as lists and booleans, as readConfig() reads text", () => {
  const config = readOptions({
    port: 0,
    shippedKinds: false,
    hosts: ["a.example", "b.example"],
    origins: "https://a.example, https://b.example",
    opsPort: null,
    maxBody: 5,
    log: "pretty",
    kinds: [new URL("file:///a,b/tasks.ts"), "jsr:@me/tasks", "/c,d.ts"],
    taskPermissions: ["--allow-net", "--allow-read=/a b", `--allow-env=A"B`],
    tokens: ["me:admin:admin-secret-0123456789", "you:read:read-secret-0123456789"],
    path: "/jobs",
  });
  assertEquals(
    {
      ...config,
      tokens: config.tokens.map(({ name }) => name),
    },
    {
      ...readConfig(() => undefined),
      port: 0,
      shippedKinds: false,
      hosts: ["a.example", "b.example"],
      origins: ["https://a.example", "https://b.example"],
      maxBody: 5,
      log: { level: "info", pretty: true },
      kinds: ["file:///a%2Cb/tasks.ts", "jsr:@me/tasks", "file:///c%2Cd.ts"],
      taskPermissions: ["--allow-net", "--allow-read=/a b", `--allow-env=A"B`],
      tokens: ["me", "you"],
      basePath: "/jobs",
    },
  );
});

Deno.test("readOptions() and inOptions() name the option in an error, not the variable", () => {
  assertThrows(() => readOptions({ leaseMs: 1 }), ConfigError, "leaseMs must be a whole number");
  assertThrows(() => readOptions({ lease: 1 }), ConfigError, "There is no option 'lease'");
  assertThrows(() => readOptions({ host: {} }), ConfigError, "'host' must be a text");
  assertEquals(inOptions("set HEADWAY_TOKENS or HEADWAY_X=1"), "set tokens or HEADWAY_X=1");
});
