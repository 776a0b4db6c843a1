import { assert, assertEquals, assertMatch } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

Deno.test("deno.lock names every package with the hash of its contents", async () => {
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  const packages: [name: string, { integrity?: string }][] = Object.entries(lock.npm);
  assert(packages.length > 0);
  for (const [name, { integrity }] of packages) {
    assertMatch(integrity ?? "", /^sha512-.{88}$/, name);
  }
  // Nothing is loaded from a bare address, which has no version.
  assert(!("remote" in lock));
});

Deno.test("every package is in deno.json with a version, and in docs/decisions.md with its reason", async () => {
  const decisions = await Deno.readTextFile(new URL("docs/decisions.md", ROOT));
  const [, dependencies] = decisions.split("\n## Dependencies\n");
  for (const [name, specifier] of Object.entries(denoJson.imports)) {
    if (!specifier.startsWith("npm:")) continue;
    assertMatch(specifier, /@\^\d+\.\d+\.\d+$/, name);
    assert(dependencies!.includes(`\`${name}\``), `docs/decisions.md says why there is ${name}`);
  }
});

Deno.test("deno.lock fits the sources: nothing would be added to it unseen", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--frozen", "main.ts", "static/app.tsx", "lib/child/main.ts"],
    cwd: ROOT,
    stdout: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});
