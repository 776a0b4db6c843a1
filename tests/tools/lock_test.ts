import { assert, assertEquals, assertMatch } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

interface Lock {
  specifiers: Record<string, string>;
  npm: Record<string, { integrity?: string }>;
}

async function readLock(path: string): Promise<Lock> {
  return JSON.parse(await Deno.readTextFile(new URL(path, ROOT)));
}

/** The packages that only tests and tools need. */
async function testPackages(): Promise<string[]> {
  const folder = new URL("tests/packages/", ROOT);
  const found = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".ts")) continue;
    const source = await Deno.readTextFile(new URL(name, folder));
    found.push(...source.matchAll(/"(npm:[^"]+)"/g).map(([, specifier]) => specifier!));
  }
  return [...new Set(found)];
}

Deno.test("deno.lock names every package with the hash of its contents", async () => {
  for (const path of ["deno.lock", "tests/deno.lock"]) {
    const lock = await readLock(path);
    const packages = Object.entries(lock.npm);
    assert(packages.length > 0);
    for (const [name, { integrity }] of packages) {
      assertMatch(integrity ?? "", /^sha512-.{88}$/, name);
    }
    // Nothing is loaded from a bare address, which has no version.
    assert(!("remote" in lock));
  }
});

Deno.test("deno.lock has what is served and built, and no package that only tests need", async () => {
  const lock = await readLock("deno.lock");
  const all = await readLock("tests/deno.lock");
  for (const [name, entry] of Object.entries(lock.npm)) assertEquals(all.npm[name], entry, name);
  for (const [specifier, version] of Object.entries(lock.specifiers)) {
    assertEquals(all.specifiers[specifier], version, specifier);
  }
  for (const specifier of await testPackages()) {
    const [, name] = /^npm:(@?[^@]+)@/.exec(specifier)!;
    // Another package may depend on it, so only the specifiers count.
    assert(!Object.keys(lock.specifiers).some((it) => it.startsWith(`npm:${name}@`)), name);
    assert(Object.keys(all.npm).some((it) => it.startsWith(`${name}@`)), name);
  }
});

Deno.test("every npm package has a version with a caret, and a reason in docs/decisions.md", async () => {
  const decisions = await Deno.readTextFile(new URL("docs/decisions.md", ROOT));
  const [, dependencies] = decisions.split("\n## Dependencies\n");
  for (const specifier of [...Object.values(denoJson.imports), ...await testPackages()]) {
    if (!specifier.startsWith("npm:")) continue;
    assertMatch(specifier, /^npm:@?[^@]+@\^\d+\.\d+\.\d+(\/\w+)?$/);
    const [, name] = /^npm:(@?[^@]+)@/.exec(specifier)!;
    assert(dependencies!.includes(`\`${name}\``), `docs/decisions.md says why there is ${name}`);
  }
});

Deno.test("deno.lock has all that the sources import: a check with --frozen passes", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--frozen", "main.ts", "static/app.tsx", "lib/child/main.ts"],
    cwd: ROOT,
    stdout: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});
