import { assertRejects } from "@std/assert";
import { tempDir } from "./temp_dir.ts";

Deno.test("built.ts tells what to run where the page was not built", async () => {
  await using directory = await tempDir();
  // The copy has no static/dist to find.
  const copy = `${directory.path}/tests/helpers/built.ts`;
  await Deno.mkdir(`${directory.path}/tests/helpers`, { recursive: true });
  await Deno.copyFile(new URL("./built.ts", import.meta.url), copy);
  await assertRejects(() => import(`file://${copy}`), Error, "run 'deno task build'");
});
