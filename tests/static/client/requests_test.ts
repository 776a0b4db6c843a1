import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { cancel, HeadwayError, submit, upload } from "../../../static/client/client.ts";
import { serverUrl } from "../../../static/client/requests.ts";
import { finished, getTask } from "../../helpers/api.ts";
import { testApp } from "../../helpers/server.ts";

Deno.test("submit() sends its options under their names in the API, and cancel() cancels the task", async () => {
  await using app = await testApp();
  const base = `${app.url}/`;
  const labels = { owner: "acme", tags: ["eu", "nightly"] };
  const options = {
    ...{ base, priority: 7, delayMs: 3_600_000, maxAttempts: 3, idempotencyKey: "k" },
    ...labels,
  };
  const task = await submit("echo", { a: 1 }, options);
  assertEquals([task.priority, task.max_attempts, task.token], [7, 3, undefined]);
  assertEquals([task.owner, task.tags], [labels.owner, labels.tags]);
  assert(Date.parse(task.run_at) - Date.parse(task.created_at) > 3_500_000);
  assertEquals((await submit("echo", { a: 1 }, options)).task_id, task.task_id);
  const other = await submit("echo", { a: 2 }, options).catch((error) => error);
  assertEquals([other.status, other.field], [422, "Idempotency-Key"]);
  await cancel(task.task_id, { base });
  assertEquals((await getTask(app.url, task.task_id)).status, "canceled");
  assertEquals((await cancel(task.task_id, { base }).catch((error) => error)).status, 409);
  const late = await submit("late", null, { base, timeoutMs: 10 });
  assertEquals((await finished(app.url, late.task_id)).error?.name, "TimeoutError");
});

Deno.test("upload() accepts a file, with its name, and a stream", async () => {
  await using app = await testApp();
  const base = app.url;
  const file = await upload(new File(["abc"], "été 1.csv"), { base });
  assertEquals([file.size, file.name], [3, "été 1.csv"]);
  const streamed = await upload(new Blob(["abcdef"]).stream(), { base, name: "x" });
  assertEquals([streamed.size, streamed.name], [6, "x"]);
});

Deno.test("upload() sends a file for an owner, and an owner's token may use only the files of that owner", async () => {
  const [all, acme] = ["root-secret-0123456789", "acme-secret-0123456789"];
  const HEADWAY_TOKENS = `root:admin:${all},acme:submit@acme+&é:${acme}`;
  await using app = await testApp({ HEADWAY_TOKENS });
  const root = { base: app.url, token: all };
  const theirs = { base: app.url, token: acme };
  const own = await upload(new File(["abc"], "a&b.csv"), { ...root, owner: "acme+&é" });
  assertEquals([own.size, own.name], [3, "a&b.csv"]);
  const task = await submit("echo", { upload: own.upload_id }, theirs);
  assertEquals(task.owner, "acme+&é");
  const other = await upload("abc", { ...root, owner: "globex" });
  for (const { upload_id } of [other, await upload("abc", root)]) {
    const refused = await submit("echo", { upload: upload_id }, theirs).catch((error) => error);
    assertEquals([refused.status, refused.field], [422, "input.upload"]);
  }
  const foreign = await upload("abc", { ...theirs, owner: "globex" }).catch((error) => error);
  assertEquals([foreign.status, foreign.field], [403, "owner"]);
});

Deno.test("submit() and cancel() send the token, and reject with the server's reason", async () => {
  const secret = "submit-secret-0123456789";
  await using app = await testApp({ HEADWAY_TOKENS: `me:submit:${secret}` });
  const base = app.url;
  const anonymous = await assertRejects(() => submit("echo", 1, { base }), HeadwayError);
  assertEquals(anonymous.status, 401);
  const token = () => Promise.resolve(secret);
  const task = await submit("echo", 1, { base, token });
  assert(task.token);
  const bad = await submit("nothing", 1, { base, token }).catch((error) => error);
  assertEquals([bad.name, bad.status, bad.field], ["HeadwayError", 422, "kind"]);
  const forbidden = await cancel("01J00000000000000000000000", { base, token }).catch((error) =>
    error
  );
  assertEquals(forbidden.status, 403);
});

Deno.test("submit() rejects when its signal aborts, and when there is no answer", async () => {
  using nobody = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const base = `http://127.0.0.1:${nobody.addr.port}`;
  const reason = new Error("enough");
  const abort = new AbortController();
  const asked = submit("echo", 1, { base, signal: abort.signal }).catch((error) => error);
  const connection = await nobody.accept();
  abort.abort(reason);
  assertEquals(await asked, reason);
  connection.close();
  assertEquals(await submit("echo", 1, { base, signal: abort.signal }).catch((it) => it), reason);
  nobody.close();
  const gone = await submit("echo", 1, { base }).catch((error) => error);
  assertEquals([gone.status, gone.message], [0, `There is no answer from ${base}`]);
});

Deno.test("serverUrl() is the folder of the script, unless there is a `base`", () => {
  const script = "https://a.example/below/client.js?v=1#x";
  assertEquals(serverUrl(undefined, script), "https://a.example/below");
  assertEquals(serverUrl("http://b.example:1/", script), "http://b.example:1");
  assertEquals(serverUrl(new URL("http://b.example/x//?q"), script), "http://b.example/x");
  for (const wrong of ["ftp://x", "javascript:1", "/only/a/path", ""]) {
    assertThrows(() => serverUrl(wrong, script), TypeError, "'base' must be");
  }
  assertThrows(() => serverUrl(undefined, "file:///x/client.js"), TypeError);
});
