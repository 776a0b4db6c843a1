import { assert, assertEquals, assertMatch } from "@std/assert";
import { ConfigError } from "../../../lib/config/config.ts";
import { listenFault } from "../../../lib/config/listen_fault.ts";

Deno.test("listenFault() names the setting to change, and returns other errors as they are", () => {
  const { AddrInUse, AddrNotAvailable, PermissionDenied } = Deno.errors;
  const told = (error: Error) => listenFault(error, "HEADWAY_OPS_PORT", "::2", 80) as Error;
  const used = told(new AddrInUse("os error 98"));
  assert(used instanceof AddrInUse);
  assertMatch(used.message, /^Port 80 of ::2 is in use .* HEADWAY_OPS_PORT/);
  const noHost = told(new AddrNotAvailable("os error 99"));
  assert(noHost instanceof ConfigError);
  assertMatch(noHost.message, /^HEADWAY_HOST .*: ::2 is not$/);
  assertMatch(
    told(new PermissionDenied("os error 13")).message,
    /^HEADWAY_OPS_PORT .*: 80 is not$/,
  );
  const other = new Error("other");
  assertEquals(told(other), other);
});
