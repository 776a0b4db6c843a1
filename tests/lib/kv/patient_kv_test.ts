import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { patientKv } from "../../../lib/kv/patient_kv.ts";
import { within } from "../../helpers/deadline.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

/** A patient handle whose first commits fail, and how often it tried to commit. */
function failing(
  kv: Deno.Kv,
  failures: number,
  message: string,
): { kv: Deno.Kv; tries: () => number } {
  let tries = 0;
  const real = kv.atomic.bind(kv);
  kv.atomic = () => {
    const operation = real();
    const commit = operation.commit.bind(operation);
    operation.commit = () => {
      return ++tries <= failures ? Promise.reject(new TypeError(message)) : commit();
    };
    return operation;
  };
  return { kv: patientKv(kv), tries: () => tries };
}

Deno.test("patientKv() tries a commit again if the database is locked, and writes it once", async () => {
  using real = await Deno.openKv(":memory:");
  const { kv, tries } = failing(real, 3, "database is locked");
  const first = await kv.atomic().check({ key: ["n"], versionstamp: null })
    .set(["n"], 1).sum(["sum"], 5n).commit();
  assertEquals([first.ok, tries()], [true, 4]);
  // A check that fails is an answer: the commit is not tried again.
  const second = await kv.atomic().check({ key: ["n"], versionstamp: null }).set(["n"], 2).commit();
  assertEquals([second.ok, tries()], [false, 5]);
  assertEquals((await real.get<number>(["n"])).value, 1);
  assertEquals((await real.get<Deno.KvU64>(["sum"])).value?.value, 5n);
});

Deno.test("patientKv() gives up after 40 tries on a lock, and does not try again after other errors", async () => {
  using real = await Deno.openKv(":memory:");
  const locked = failing(real, Infinity, "database is locked");
  await assertRejects(() => locked.kv.atomic().set(["n"], 1).commit(), TypeError, "locked");
  assertEquals(locked.tries(), 40);
  using another = await Deno.openKv(":memory:");
  const full = failing(another, Infinity, "database or disk is full");
  await assertRejects(() => full.kv.atomic().set(["n"], 1).commit(), TypeError, "full");
  assertEquals(full.tries(), 1);
});

Deno.test("patientKv() commits with checks while another connection writes into the file", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/test.db`;
  const real = await Deno.openKv(path);
  let refused = Promise.withResolvers<void>();
  const atomic = real.atomic.bind(real);
  real.atomic = () => {
    const operation = atomic();
    const commit = operation.commit.bind(operation);
    operation.commit = () =>
      commit().catch((error) => {
        refused.resolve();
        throw error;
      });
    return operation;
  };
  using kv = patientKv(real);
  await kv.set(["n"], 0);
  using other = new DatabaseSync(path, { timeout: 5000 });
  for (let n = 0; n < 100; n++) {
    const entry = await kv.get<number>(["n"]);
    other.exec("BEGIN IMMEDIATE");
    refused = Promise.withResolvers();
    const committing = kv.atomic().check(entry).set(["n"], n + 1).commit();
    // The other connection keeps its lock until this commit has met it.
    await within(refused.promise, () => `commit ${n} met no lock`);
    other.exec("COMMIT");
    assertEquals((await committing).ok, true);
  }
  assertEquals((await kv.get<number>(["n"])).value, 100);
});
