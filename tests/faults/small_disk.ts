import { tempDir } from "../helpers/temp_dir.ts";

/** A file system that can be filled. Needs root on Linux. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Fills the disk to the last byte. */
  fill(): Promise<void>;
  /** Frees `bytes` of what {@link SmallDisk.fill} took. */
  leave(bytes: number): Promise<void>;
  /** Frees all that {@link SmallDisk.fill} took. */
  free(): Promise<void>;
  /** Makes the file system read-only, or writable again. */
  setReadOnly(readOnly: boolean): Promise<void>;
}

async function mount(...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command("mount", { args, stderr: "null" }).output();
  return success;
}

/** Mounts a file system of `megabytes`; `null` where that cannot be done. */
export async function smallDisk(megabytes: number): Promise<SmallDisk | null> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return null;
  await using resources = new AsyncDisposableStack();
  const { path } = resources.use(await tempDir());
  if (!await mount("-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path)) return null;
  resources.defer(async () => {
    await new Deno.Command("umount", { args: ["-l", path] }).output();
  });
  const filler = `${path}/filler`;
  const owned = resources.move();
  return {
    path,
    async fill() {
      using file = await Deno.open(filler, { create: true, append: true });
      const block = new Uint8Array(4096);
      try {
        while (await file.write(block) > 0);
      } catch {
        // It is full.
      }
    },
    async leave(bytes) {
      await Deno.truncate(filler, (await Deno.stat(filler)).size - bytes);
    },
    free: () => Deno.remove(filler),
    async setReadOnly(readOnly) {
      await mount("-o", `remount,${readOnly ? "ro" : "rw"}`, path);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whether this machine lets us mount a small disk. */
export const HAS_SMALL_DISK: boolean = await (async () => {
  const disk = await smallDisk(1);
  await disk?.[Symbol.asyncDispose]();
  return disk !== null;
})();
