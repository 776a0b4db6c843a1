import { assertEquals } from "@std/assert";
import { withPermissionHint } from "../../../lib/child/permission_hint.ts";

const asked = (kind: string, flag: string) => ({
  name: "NotCapable",
  message: `Requires ${kind}, run again with the --allow-${flag} flag`,
});

const told = (kind: string, flag: string) => ({
  name: "NotCapable",
  message: `Requires ${kind}, which HEADWAY_TASK_PERMISSIONS does not grant: add --allow-${flag}`,
});

Deno.test("withPermissionHint() names the setting to change in an error, its causes and its parts", () => {
  const read = 'read access to "data.csv"';
  assertEquals(withPermissionHint(asked(read, "read")), told(read, "read"));
  const outer = { name: "Error", message: "import failed", code: "E" };
  assertEquals(
    withPermissionHint({
      ...outer,
      cause: asked("env access", "env"),
      errors: [asked("net access", "net")],
    }),
    { ...outer, cause: told("env access", "env"), errors: [told("net access", "net")] },
  );
  assertEquals(withPermissionHint(outer), outer);
});
