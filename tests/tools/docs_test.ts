import { assert, assertEquals, assertGreater } from "@std/assert";
import { VARIABLES } from "../../lib/config/variables.ts";

const ROOT = new URL("../../", import.meta.url);

/** Folders whose documents are read; `""` is the root. */
const FOLDERS = ["", "docs/", "examples/", "examples/app/", "examples/static-page/"];

/** Tells of the past, and so may name files that no longer exist. */
const HISTORY = "CHANGELOG.md";

/** A path in this repository. One that stands for many, with `*` or `{id}`, does not match. */
const PATH = /`((?:lib|routes|static|tests|tools|docs|examples|deploy)\/[\w./-]+)`/g;

const LINK = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g;

async function documents(): Promise<{ path: string; text: string }[]> {
  const found: { path: string; text: string }[] = [];
  for (const folder of FOLDERS) {
    for await (const { name } of Deno.readDir(new URL(folder, ROOT))) {
      const path = folder + name;
      if (!name.endsWith(".md")) continue;
      found.push({ path, text: await Deno.readTextFile(new URL(path, ROOT)) });
    }
  }
  assertGreater(found.length, 10);
  return found;
}

async function exists(url: URL): Promise<boolean> {
  return await Deno.stat(url).then(() => true, () => false);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("every file and folder that a document names exists", async () => {
  const missing: string[] = [];
  for (const { path, text } of await documents()) {
    if (path === HISTORY) continue;
    for (const [, named] of text.matchAll(PATH)) {
      if (!await exists(new URL(named!, ROOT))) missing.push(`${path}: ${named}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("every link in a document leads to a file and a heading that exist", async () => {
  const broken: string[] = [];
  for (const { path, text } of await documents()) {
    for (const [link, to, anchor] of text.matchAll(LINK)) {
      const url = new URL(to || path.split("/").at(-1)!, new URL(path, ROOT));
      const there = await exists(url);
      const known = anchor === undefined ||
        (there && anchors(await Deno.readTextFile(url)).includes(anchor));
      if (!there || !known) broken.push(`${path}: ${link}`);
    }
  }
  assertEquals(broken, []);
});

Deno.test("docs/operations.md names every setting, and no other", async () => {
  const text = await Deno.readTextFile(new URL("docs/operations.md", ROOT));
  const [, section = ""] = text.split("\n## Settings\n");
  const named = new Set(section.split("\n## ")[0]!.match(/HEADWAY_[A-Z_]+/g));
  const names = VARIABLES.flatMap(({ name, oldName }) => [name, ...(oldName ? [oldName] : [])]);
  assert(names.length > 30);
  assertEquals([...named].sort(), names.sort());
});
