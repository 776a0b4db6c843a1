import { assert, assertRejects } from "@std/assert";
import { tempDir } from "./temp_dir.ts";

Deno.test("tempDir() makes a directory and removes it with its content", async () => {
  let path: string;
  {
    await using directory = await tempDir();
    path = directory.path;
    await Deno.mkdir(`${path}/deep/er`, { recursive: true });
    await Deno.writeTextFile(`${path}/deep/er/file`, "content");
    assert((await Deno.stat(path)).isDirectory);
  }
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("tempDir() does not mind a directory that is gone already", async () => {
  const directory = await tempDir();
  await Deno.remove(directory.path);
  await directory[Symbol.asyncDispose]();
  await assertRejects(() => Deno.stat(directory.path), Deno.errors.NotFound);
});
