import { assertEquals, assertRejects } from "@std/assert";
import { FileInUseError, lockFile } from "../../../lib/kv/file_lock.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

Deno.test("lockFile() refuses a second lock until the first is released, and makes the folder", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/deep/er/headway.db`;
  {
    using _lock = await lockFile(path);
    const error = await assertRejects(() => lockFile(path), FileInUseError);
    assertEquals(error.message.startsWith(`${path} is in use by another Headway`), true);
    using _other = await lockFile(`${path}2`);
  }
  using _again = await lockFile(path);
});
