import { assert, assertEquals } from "@std/assert";
import { defineTask } from "headway";
import { bearer, post } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { assertProblem } from "../helpers/problem.ts";
import { OTHER_SECRET, receiver, SECRET } from "../helpers/receiver.ts";
import { testApp } from "../helpers/server.ts";

const ROOT = "root-secret-0123456789";
const READ = "read-secret-0123456789";
const ACME = "acme-secret-0123456789";
const GLOBEX = "globex-secret-0123456789";

const SETTINGS = {
  HEADWAY_TOKENS:
    `root:admin:${ROOT},read:read:${READ},acme:submit:${ACME},globex:submit:${GLOBEX}`,
  HEADWAY_WEBHOOK_SECRET: `${OTHER_SECRET}, ${SECRET}`,
  HEADWAY_WEBHOOK_ALLOW: "127.0.0.1",
};

// deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
async function deliveries(base: string, id: string, token: string): Promise<any> {
  const response = await fetch(`${base}/tasks/${id}/deliveries`, { headers: bearer(token) });
  assertEquals(response.status, 200);
  return await response.json();
}

Deno.test("webhooks are signed with all secrets, listed for who may see the task, and resent by who may change it", async () => {
  await using to = receiver(() => new Response("what it says"));
  const url = `${to.url}/private-path`;
  const tells = defineTask({
    kind: "tells",
    notify: [{ url: `${to.url}/of-the-kind`, on: ["completed"] }],
    async *run() {
      yield 50;
      return { ok: true };
    },
  });
  await using server = await testApp(SETTINGS, { tasks: { tells } });
  const submitted = async (body: object) => {
    const response = await post(`${server.url}/tasks`, body, bearer(ACME));
    assertEquals(response.status, 201);
    return await response.json();
  };
  const notify = [{ url, on: ["started", "completed"] }];
  const { task_id: id, token } = await submitted({ kind: "tells", notify });
  const { task_id: other } = await submitted({ kind: "tells" });
  const { task_id: none } = await submitted({ kind: "tells", notify: [] });
  await to.count(3);
  const of = (id: string) => to.received.filter(({ body }) => body.data.task_id === id);
  assertEquals(of(id).map(({ path }) => path), ["/private-path", "/private-path"]);
  assertEquals(of(id).map(({ signatures }) => signatures), [2, 2]);
  assertEquals(of(id)[1]!.body.data.result, { ok: true });
  assertEquals(of(other).map(({ path }) => path), ["/of-the-kind"]);
  assertEquals(of(none), []);

  await eventually(async () => {
    const { deliveries: [last] } = await deliveries(server.url, id, ROOT);
    assertEquals([last.n, last.state], [2, "delivered"]);
  });
  const shown = await deliveries(server.url, id, READ);
  assertEquals(shown.targets, [{ target: 0, origin: to.url, on: ["started", "completed"] }]);
  const [{ attempts: [attempt], ...last }, first] = shown.deliveries;
  assertEquals([first.n, first.event], [1, "started"]);
  const at = of(id)[1]!.body.timestamp;
  assertEquals(last, {
    n: 2,
    event: "completed",
    target: 0,
    origin: to.url,
    state: "delivered",
    created_at: at,
    next_try_at: null,
    tries: 1,
    resent_by: null,
  });
  assertEquals([attempt.http_status, attempt.error, attempt.response], [200, null, "what it says"]);
  // The path of a target may be a secret, and a response may come from the server's own network.
  for (const who of [ACME, token]) {
    const text = JSON.stringify(await deliveries(server.url, id, who));
    assert(!text.includes("private-path") && !text.includes("what it says"), text);
  }

  // Callers who may not see the task may not see or resend its deliveries.
  for (const path of ["deliveries", "deliveries/1/resend"]) {
    const method = path === "deliveries" ? "GET" : "POST";
    const response = await fetch(`${server.url}/tasks/${id}/${path}`, {
      method,
      headers: bearer(GLOBEX),
    });
    await assertProblem(response, 403);
  }
  const again = (n: string, token: string) =>
    post(`${server.url}/tasks/${id}/deliveries/${n}/resend`, undefined, bearer(token));
  for (const who of [ACME, READ, token]) await assertProblem(await again("2", who), 403);
  for (const n of ["0", "3", "x", "1e3", "-1", "99999999999"]) {
    await assertProblem(await again(n, ROOT), 404);
  }
  const response = await again("2", ROOT);
  assertEquals(response.status, 202);
  const { n, resent_by } = await response.json();
  assertEquals([n, resent_by], [2, "root"]);
  const audit = await fetch(`${server.url}/kinds/tells/audit?limit=1`, { headers: bearer(ROOT) });
  const [{ at: _, ...told }] = (await audit.json()).entries;
  assertEquals(told, { action: "resend", by: "root", task_id: id });
  await to.count(4);
  assertEquals(to.received[3]!.id, of(id)[1]!.id);

  // The task that repeats it has the same targets.
  const retried = await post(`${server.url}/tasks/${id}/retry`, undefined, bearer(ROOT));
  const { task_id: copy } = await retried.json();
  await to.count(6);
  assertEquals(of(copy).map(({ path }) => path), ["/private-path", "/private-path"]);

  const kinds = await (await fetch(`${server.url}/kinds`, { headers: bearer(ROOT) })).text();
  assert(!kinds.includes("of-the-kind"));
  const metrics = await (await fetch(`${server.url}/metrics`, { headers: bearer(ROOT) })).text();
  assert(/^headway_webhook_tries_total\{end="delivered"\} \d+$/m.test(metrics), metrics);
  assert(/^headway_webhooks_waiting \d+$/m.test(metrics));
});

Deno.test("POST /tasks refuses invalid webhook targets, and no answer shows the secret of a target", async () => {
  await using server = await testApp();
  const submit = (notify: unknown) =>
    post(`${server.url}/tasks`, { kind: "echo", delay_ms: 3_600_000, notify });
  const secret = SECRET;
  const wrong: [notify: unknown, status: number, sentence: string][] = [
    [{}, 400, "'notify' must be a list of at most 5 targets"],
    [Array(6).fill({ url: "http://a/" }), 400, "'notify' must be a list of at most 5 targets"],
    [[3], 400, "'notify.0' must be an object, such as {url, on}"],
    [[{}], 400, "'notify.0.url' must be text"],
    [[{ url: "ftp://a/" }], 400, "'notify.0.url' must be an http or https URL"],
    [[{ url: "nonsense" }], 400, "'notify.0.url' must be an http or https URL"],
    [[{ url: `http://a/${"é".repeat(1000)}` }], 400, "at most 2048 characters"],
    [[{ url: "http://me:pw@a/" }], 400, "without a user name and password"],
    [[{ url: "http://a/", on: [] }], 400, "'notify.0.on' must be a list of started"],
    [[{ url: "http://a/", on: ["done"] }], 400, "must be a list of started"],
    [[{ url: "http://a/", on: ["failed", "failed"] }], 400, "each at most once"],
    [[{ url: "http://a/", secret: "whsec_short" }], 400, "'notify.0.secret' must be 'whsec_'"],
    [[{ url: "http://a/", more: 1 }], 400, "There is no field 'notify.0.more'"],
    [[{ url: "http://a/" }], 422, "see HEADWAY_WEBHOOK_SECRET"],
    [[{ url: "http://a/", secret }, { url: "http://0x7f.1/", secret }], 422, "'notify.1.url'"],
    [[{ url: "https://[::ffff:10.0.0.1]/", secret }], 422, "a private address"],
  ];
  for (const [notify, status, sentence] of wrong) {
    const problem = await assertProblem(await submit(notify), status);
    assert(problem.error.includes(sentence), problem.error);
  }
  const response = await submit([{ url: "https://a.invalid/path", secret: `${secret} ${secret}` }]);
  const text = await response.text();
  assertEquals(response.status, 201, text);
  const { task_id: id } = JSON.parse(text);
  for (const path of ["", "/details", "/deliveries", "/events"]) {
    const shown = await (await fetch(`${server.url}/tasks/${id}${path}`)).text();
    assert(!shown.includes("whsec"), shown);
  }
  const details = await (await fetch(`${server.url}/tasks/${id}/details`)).json();
  assertEquals(details.webhooks, 1);
  await (await post(`${server.url}/tasks/${id}/cancel`)).body?.cancel();
});
