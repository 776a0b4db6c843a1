import { assert, assertEquals, assertThrows } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { MAX_BLOCKS } from "../../../lib/child/artifact_parts.ts";
import type { ArtifactAnswer, ToTasks } from "../../../lib/child/protocol.ts";
import { Arrivals } from "../../../lib/kv/arrivals.ts";
import { Artifacts } from "../../../lib/kv/artifacts.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { ArtifactTransfers } from "../../../lib/runner/artifact_transfers.ts";
import { Jobs } from "../../../lib/runner/jobs.ts";
import type { Member } from "../../../lib/runner/member.ts";
import type { Run } from "../../../lib/runner/run.ts";
import { eventually } from "../../helpers/eventually.ts";

const log = createLogger({ level: "off" });

const SIZE = 10;

/** The transfers of one task process, with a store of its own. */
class Peer implements Disposable {
  readonly kv: Deno.Kv;
  readonly transfers: ArtifactTransfers;
  readonly jobs: Jobs = new Jobs(log);
  readonly answers: ArtifactAnswer[] = [];
  /** The artifacts that were kept. */
  readonly kept: unknown[] = [];
  readonly #member: Member<Run>;

  constructor(kv: Deno.Kv) {
    this.kv = kv;
    const artifacts = new Artifacts({ kv, arrivals: new Arrivals({ kv, sid: "me" }) });
    const bounds = { bytes: 2 * SIZE, count: 10 };
    const { jobs } = this;
    this.transfers = new ArtifactTransfers({ artifacts, bounds, jobs, log, now: () => 0 });
    const send = (message: ToTasks) => {
      if (message.type === "artifact") this.answers.push(message.answer);
    };
    this.#member = { runs: new Map(), process: { send } } as unknown as Member<Run>;
  }

  /** A run, as far as transfers use it. */
  run(number: number): { run: Run; end(): void } {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const live = {
      id: "t",
      record: {},
      rows: { artifact: (info: unknown) => void this.kept.push(info) },
      committed: () => Promise.resolve({ ok: true }),
    };
    const run = { number, live, member: this.#member, over } as unknown as Run;
    this.#member.runs.set(number, run);
    return {
      run,
      end: () => {
        this.#member.runs.delete(number);
        resolve();
      },
    };
  }

  begin(run: number): void {
    this.transfers.take(this.#member, { type: "artifact", run, name: "a", media: "a/b" });
  }

  bytes(run: number): void {
    this.transfers.take(this.#member, { type: "bytes", run, bytes: new Uint8Array(SIZE) });
  }

  /** Resolves when this many parts were answered. */
  async answered(count: number): Promise<readonly ArtifactAnswer[]> {
    await eventually(() => assertEquals(this.answers.length, count));
    return this.answers;
  }

  async arriving(): Promise<number> {
    return (await Array.fromAsync(this.kv.list({ prefix: keys.arrivings }))).length;
  }

  [Symbol.dispose](): void {
    this.kv.close();
  }
}

async function peer(): Promise<Peer> {
  return new Peer(await Deno.openKv(":memory:"));
}

Deno.test("ArtifactTransfers answers each part in order, and the end with the artifact that is kept", async () => {
  using it = await peer();
  const { run, end } = it.run(1);
  it.begin(1);
  it.bytes(1);
  it.transfers.end(run);
  const answers = await it.answered(3);
  assertEquals(answers.slice(0, 2), [{ taken: true }, { taken: true }]);
  const [info] = it.kept as [{ name: string; size: number; type: string; sha256: string }];
  assertEquals([info.name, info.size, info.type], ["a", SIZE, "a/b"]);
  assertEquals(answers[2], { kept: info });
  end();
  await it.jobs.idle();
});

Deno.test("ArtifactTransfers refuses parts that are out of order, beyond the bound, or of a run that is over", async () => {
  using it = await peer();
  const { run, end } = it.run(1);
  it.bytes(1);
  it.transfers.end(run);
  await it.answered(2);
  it.begin(1);
  it.bytes(1);
  it.bytes(1);
  it.bytes(1);
  it.transfers.end(run);
  const refused = (await it.answered(7)).map((answer) => "refused" in answer && answer.refused);
  assertEquals(refused, [
    "it was not begun",
    "it was not begun",
    false,
    false,
    false,
    "it is larger than 20 bytes (HEADWAY_MAX_ARTIFACT)",
    "it was not begun",
  ]);
  end();
  it.begin(1);
  it.bytes(1);
  const [begun, bytes] = (await it.answered(9)).slice(-2);
  assertEquals([begun, bytes], [{ refused: "its task has ended" }, {
    refused: "its task has ended",
  }]);
  await it.jobs.idle();
  assertEquals([it.kept, await it.arriving()], [[], 0]);
});

Deno.test("ArtifactTransfers keeps nothing of an artifact if its run ends or begins another one before its end", async () => {
  using it = await peer();
  const first = it.run(1);
  it.begin(1);
  it.bytes(1);
  it.begin(1);
  await it.answered(3);
  assertEquals(await it.arriving(), 1);
  it.transfers.end(first.run);
  // The run is over before the end has its turn.
  first.end();
  await it.jobs.idle();
  assertEquals([it.kept, await it.arriving()], [[], 0]);
});

Deno.test("ArtifactTransfers.take() throws if a process sends too much without waiting for answers", async () => {
  using it = await peer();
  const one = it.run(0);
  for (let part = 0; part < 5; part++) it.begin(0);
  assertThrows(() => it.begin(0), SyntaxError);
  const runs = Array.from({ length: MAX_BLOCKS + 1 }, (_, n) => it.run(n + 1));
  for (let n = 0; n < MAX_BLOCKS; n++) it.bytes(n + 1);
  assertThrows(() => it.bytes(MAX_BLOCKS + 1), SyntaxError);
  await it.answered(MAX_BLOCKS + 5);
  // Bytes that were stored or refused make room.
  it.bytes(MAX_BLOCKS + 1);
  await it.answered(MAX_BLOCKS + 6);
  for (const { end } of [one, ...runs]) end();
  await it.jobs.idle();
  assert(await it.arriving() === 0);
});
