import { assert, assertEquals, assertRejects } from "@std/assert";
import { ArtifactParts, MAX_BLOCKS } from "../../../lib/child/artifact_parts.ts";
import type { FromTasks } from "../../../lib/child/protocol.ts";
import { ARTIFACT_BLOCK } from "../../../lib/task/artifact_list.ts";

const NAMED = { name: "a", type: "a/b" };
const bytes = (size = 1) => ({ bytes: new Uint8Array(size) });
const KEPT = { name: "a", size: 1, type: "a/b", sha256: "" };

/** Notes the types of the messages that are sent. The test itself gives each answer. */
function parts(): { parts: ArtifactParts; sent: string[]; ended: () => void } {
  const sent: string[] = [];
  const send = ({ type }: FromTasks) => void sent.push(type);
  return { parts: new ArtifactParts(send), sent, ended: () => void sent.push("end") };
}

Deno.test("ArtifactParts.take() sends a part after the last was taken, and does not await a block's answer", async () => {
  const { parts: it, sent, ended } = parts();
  const begun = it.take(1, NAMED, ended);
  it.receive(1, { taken: true });
  await begun;
  await it.take(1, bytes(), ended);
  let second = false;
  const next = it.take(1, bytes(), ended).then(() => second = true);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([sent, second], [["artifact", "bytes"], false]);
  it.receive(1, { taken: true });
  await next;
  it.receive(1, { taken: true });
  const end = { kept: null };
  const ending = it.take(1, end, ended);
  await new Promise((resolve) => setTimeout(resolve));
  it.receive(1, { kept: KEPT });
  await ending;
  assertEquals<unknown[]>([sent, end], [["artifact", "bytes", "bytes", "end"], { kept: KEPT }]);
});

Deno.test("ArtifactParts.take() throws if the last part was refused, and another artifact may follow", async () => {
  const { parts: it, ended } = parts();
  const begun = it.take(1, NAMED, ended);
  it.receive(1, { taken: true });
  await begun;
  await it.take(1, bytes(), ended);
  it.receive(1, { refused: "it is too large" });
  const { name } = await assertRejects(
    () => it.take(1, bytes(), ended),
    Error,
    "Cannot keep artifact 'a' as it is too large",
  );
  assertEquals(name, "ArtifactError");
  const again = it.take(1, NAMED, ended);
  await new Promise((resolve) => setTimeout(resolve));
  it.receive(1, { taken: true });
  await again;
});

Deno.test("ArtifactParts bounds the blocks of a process, and the end of a run frees its block", async () => {
  const { parts: it, sent, ended } = parts();
  for (let run = 0; run <= MAX_BLOCKS; run++) {
    const begun = it.take(run, NAMED, ended);
    it.receive(run, { taken: true });
    await begun;
  }
  for (let run = 0; run < MAX_BLOCKS; run++) await it.take(run, bytes(), ended);
  const blocks = () => sent.filter((type) => type === "bytes").length;
  const last = it.take(MAX_BLOCKS, bytes(), ended);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(blocks(), MAX_BLOCKS);
  it.end(0);
  await last;
  assertEquals(blocks(), MAX_BLOCKS + 1);
});

Deno.test("ArtifactParts.take() refuses what artifact() never yields", async () => {
  const { parts: it, ended } = parts();
  const wrong: unknown[] = [null, 7, bytes(), { kept: null }, {}];
  for (const part of wrong) await assertRejects(() => it.take(1, part as never, ended), TypeError);
  const begun = it.take(1, NAMED, ended);
  it.receive(1, { taken: true });
  await begun;
  for (const part of [bytes(0), bytes(ARTIFACT_BLOCK + 1), { bytes: "x" }]) {
    const error = await assertRejects(() => it.take(1, part as never, ended), TypeError);
    assert(error.message.startsWith("Cannot keep artifact 'a'"));
  }
});
