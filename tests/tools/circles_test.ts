/**
 * No file imports itself through others, types included: each can be read after those it imports.
 */

import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** The files that each file imports. */
type Graph = ReadonlyMap<string, readonly string[]>;

/** The files of one import circle; empty if there is none. */
function circleIn(graph: Graph): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] => {
    if (done.has(file)) return [];
    const at = path.indexOf(file);
    if (at >= 0) return path.slice(at);
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next);
      if (circle.length > 0) return circle;
    }
    path.pop();
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const circle = visit(file);
    if (circle.length > 0) return circle;
  }
  return [];
}

interface Dependency {
  code?: { specifier?: string };
  type?: { specifier?: string };
}

/** The imports of `entry` and of all files that it leads to, as Deno resolves them. */
async function graphOf(entry: string): Promise<Graph> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
    stderr: "null",
  });
  const { stdout } = await command.output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string; dependencies?: Dependency[] }[];
  };
  const ours = (specifier?: string) => specifier?.startsWith(ROOT.href) ?? false;
  const name = (specifier: string) => specifier.slice(ROOT.href.length);
  return new Map(
    modules.filter(({ specifier }) => ours(specifier)).map(({ specifier, dependencies = [] }) => [
      name(specifier),
      dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier])
        .filter((to): to is string => ours(to)).map(name),
    ]),
  );
}

const ENTRIES = [
  "main.ts",
  "lib/mod.ts",
  "lib/child/main.ts",
  "lib/kinds/mod.ts",
  "static/app.tsx",
  "static/feed_worker.ts",
  "static/i18n/zh.ts",
  "static/client/client.ts",
  "static/client/headway_progress.ts",
  "static/client/use_task.ts",
  "tools/run.ts",
  "tools/backup.ts",
  "tools/restore.ts",
  "tools/init.ts",
];

for (const entry of ENTRIES) {
  Deno.test(`no import circle from ${entry}`, async () => {
    const graph = await graphOf(entry);
    assertEquals(graph.has(entry), true);
    assertEquals(circleIn(graph), []);
  });
}

Deno.test("circleIn() finds a circle, and none in a diamond", () => {
  const diamond = [["a", ["b", "c"]], ["b", ["d"]], ["c", ["d"]], ["d", []]] as const;
  assertEquals(circleIn(new Map<string, readonly string[]>(diamond)), []);
  const circle = circleIn(new Map<string, readonly string[]>([...diamond, ["d", ["b"]]]));
  assertEquals(circle, ["b", "d"]);
});
