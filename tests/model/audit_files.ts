import type { TaskRecord } from "headway";
import { holds } from "./invariants.ts";
import { HEAD_BYTES } from "../../lib/kv/stored_size.ts";
import type { KnownTask, Reference } from "./reference.ts";
import { FILE, fileOf, isFileOf } from "./script.ts";
import type { World } from "./world.ts";

/** Asserts that each artifact of a record can be downloaded, with the bytes that its task wrote. */
export async function checkFiles(world: World, task: KnownTask, record: TaskRecord): Promise<void> {
  const { id, fate: { script } } = task;
  for (const file of record.artifacts ?? []) {
    const right = isFileOf(script, file) && record.artifacts!.length === 1;
    holds("I22", right, () => `${id} lists ${JSON.stringify(record.artifacts)}`);
    // It may be replaced while it is read.
    await world.until(async () => {
      const bytes = await world.download(`/tasks/${id}/artifacts/${FILE}`);
      const good = isFileOf(script, { ...file, size: bytes.length });
      const whole = good && sameBytes(bytes, fileOf(script, bytes.length));
      holds("I22", whole, () => `${id} serves ${bytes.length} bytes as ${JSON.stringify(file)}`);
    });
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, n) => byte === b[n]);
}

/** Waits until replaced, abandoned and deleted files are gone: the metric counts listed ones only. */
export async function checkSwept(world: World, { present }: Reference): Promise<void> {
  const files = present.flatMap(({ record }) => record?.artifacts ?? []);
  const bytes = files.reduce((sum, { size }) => sum + HEAD_BYTES + size, 0);
  await world.until(async () => {
    const metrics = new TextDecoder().decode(await world.download("/metrics"));
    const counted = Number(/^headway_artifacts_bytes (\d+)/m.exec(metrics)?.[1]);
    holds("I22", counted === bytes, () => `files of ${bytes} bytes are counted as ${counted}`);
  });
}
