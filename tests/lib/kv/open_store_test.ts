import { assertRejects, assertStringIncludes } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { openStore } from "../../../lib/kv/open_store.ts";
import { StoreOpenError } from "../../../lib/kv/store_file.ts";

Deno.test("openStore() says how to enable Deno KV where it is missing", async () => {
  const given = Object.getOwnPropertyDescriptor(Deno, "openKv")!;
  using _given = { [Symbol.dispose]: () => void Object.defineProperty(Deno, "openKv", given) };
  Object.defineProperty(Deno, "openKv", { value: undefined, configurable: true });
  const log = createLogger({ level: "off" });
  const opening = () => openStore({ location: ":memory:", minFree: 0, log });
  const { message } = await assertRejects(opening, StoreOpenError);
  assertStringIncludes(message, "--unstable-kv");
  assertStringIncludes(message, '"unstable": ["kv"]');
});
