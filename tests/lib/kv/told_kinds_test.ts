import { assertEquals } from "@std/assert";
import { keys } from "../../../lib/kv/keys.ts";
import {
  readDescribedKinds,
  readToldModules,
  removeForgottenKinds,
  type Told,
  toldKind,
  type ToldModule,
  toldModule,
  toldSet,
  whyNobodyRuns,
} from "../../../lib/kv/told_kinds.ts";
import { demo } from "../../../lib/kinds/mod.ts";
import { describeTasks } from "../../../lib/task/kind.ts";

const ready: ToldModule = { module: "a.ts", state: "ready", reason: null, kinds: ["a"] };
const failed: ToldModule = { module: "b.ts", state: "failed", reason: "why", kinds: ["b"] };
const unknown: ToldModule = { ...failed, module: "c.ts", kinds: [] };
const loading: ToldModule = { module: "d.ts", state: "loading", reason: null, kinds: [] };

for (
  const [kind, modules, why] of [
    ["a", [ready], null],
    ["a", [{ ...failed, kinds: ["a"] }, ready], null],
    ["b", [ready, failed, unknown], "b.ts failed: why"],
    ["b", [failed, { ...failed, module: "./b.ts" }], "b.ts failed: why; ./b.ts failed: why"],
    ["b", [{ ...failed, state: "loading" }], null],
    ["z", [ready, failed], "no process runs this kind"],
    ["z", [], "no process runs this kind"],
    // The kinds of c.ts are unknown, as it failed: it may define z.
    ["z", [ready, unknown], "no process runs this kind; c.ts failed: why"],
    ["z", [unknown, loading], null],
    ["b", [failed, loading], "b.ts failed: why"],
  ] as [string, ToldModule[], string | null][]
) {
  Deno.test(`whyNobodyRuns() for kind ${kind} and modules [${modules.map(({ module, state }) => `${module} ${state}`)}] returns: ${why}`, () => {
    assertEquals(whyNobodyRuns(kind, modules), why);
  });
}

Deno.test("readToldModules() skips dead processes; removeForgottenKinds() keeps kinds with a process or tasks", async () => {
  using kv = await Deno.openKv(":memory:");
  const info = { host: "h", pid: 1, role: "worker", started_at: "" };
  for (const sid of ["own", "other"]) await kv.set(keys.session(sid), info);
  const set = async (told: Told) => {
    const [key, value] = toldSet(told);
    await kv.set(key, value);
  };
  await set(toldModule("own", 0, { ...ready, kinds: ["own"] }));
  await set(toldModule("other", 0, ready));
  await set(toldModule("other", 1, { ...failed, reason: "x".repeat(9000) }));
  await set(toldModule("dead", 0, { ...ready, kinds: ["dead"] }));
  const modules = await readToldModules(kv, "own");
  assertEquals(modules.map(({ kinds, reason }) => [kinds, reason?.length]), [[["a"], undefined], [[
    "b",
  ], 4000]]);

  const [kind] = describeTasks([demo]);
  for (const name of ["own", "a", "b", "dead", "used"]) {
    await set(toldKind({ module: "m.ts", kind: { ...kind!, kind: name } }));
  }
  await kv.set(keys.index("used", "failed", "01"), null);
  await removeForgottenKinds(kv);
  const left = (await readDescribedKinds(kv)).map(({ kind }) => kind.kind);
  assertEquals(left, ["a", "b", "own", "used"]);
});
