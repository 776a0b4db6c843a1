import { assert, assertEquals } from "@std/assert";
import type { TaskRecord } from "headway";
import { eventually } from "../helpers/eventually.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const KINDS = new URL("./each_second.ts", import.meta.url).href;

/** The times for which there is a task, in order. */
async function times(server: ServerProcess, atLeast = 0): Promise<number[]> {
  return await eventually(async () => {
    const { tasks } = await (await fetch(`${server.url}/tasks?limit=500`)).json();
    assert(tasks.length >= atLeast);
    return tasks.map(({ scheduled_for }: TaskRecord) => Date.parse(scheduled_for!)).sort();
  });
}

Deno.test("a schedule of each second makes one task for each second, over two kills of the server", async () => {
  await using folder = await tempDir();
  const kv = `${folder.path}/test.db`;
  let made = 0;
  for (let kills = 0; kills < 2; kills++) {
    await using server = await startServer({ kv, kinds: KINDS });
    made = (await times(server, made + 2)).length;
    await server.kill();
  }
  await using server = await startServer({ kv, kinds: KINDS });
  // Also for the seconds in which no server ran.
  const all = await times(server, made + 2);
  const first = all[0]!;
  assertEquals(all, all.map((_, n) => first + n * 1000));
});
