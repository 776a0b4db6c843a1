import { assert, assertEquals } from "@std/assert";
import "../helpers/built.ts";
import { finished, submit } from "../helpers/api.ts";
import { testApp } from "../helpers/server.ts";

/** The most bytes of compressed JavaScript and CSS that the page may load. */
const BUDGET = 70_000;

async function compressed(text: string): Promise<number> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).bytes()).length;
}

/** The paths of the scripts and style sheets that a text names. */
function named(text: string): string[] {
  const absolute = text.match(/\bstatic\/[\w./-]+\.(js|css)(?![\w.])/g) ?? [];
  const relative = [...text.matchAll(/(?:from|import)\s*"\.\/([\w./-]+\.js)"/g)];
  return [...absolute.map((path) => `/${path}`), ...relative.map(([, path]) => `/static/${path}`)];
}

/** The snapshot that the page brings along for its script. */
async function snapshot(url: string, headers: HeadersInit = {}): Promise<Record<string, unknown>> {
  const html = await (await fetch(url, { headers })).text();
  const [, text] = /<template id="snapshot">([^<]*)<\/template>/.exec(html)!;
  return JSON.parse(text!.replaceAll("&lt;", "<").replaceAll("&amp;", "&"));
}

for (const language of ["en", "zh"]) {
  Deno.test(`GET / loads less than 70 kB of compressed JavaScript and CSS: ${language}`, async () => {
    await using app = await testApp();
    const sizes = new Map<string, number>();
    const todo = ["/"];
    // Files that a file names count, too.
    for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
      const headers = { "accept-language": language };
      const response = await fetch(`${app.url}${path}`, { headers });
      assertEquals(response.status, 200, path);
      const text = await response.text();
      if (path !== "/") sizes.set(path, await compressed(text));
      todo.push(...named(text).filter((name) => !sizes.has(name) && !todo.includes(name)));
    }
    const names = [...sizes.keys()].map((name) => name.replace(/chunk-\w+/, "chunk"));
    assertEquals([...new Set(names)].sort(), [
      "/static/app.js",
      "/static/chunk.js",
      "/static/feed_worker.js",
      `/static/i18n/${language}.js`,
      "/static/page.css",
    ]);
    const total = [...sizes.values()].reduce((sum, size) => sum + size);
    assert(total > 20_000 && total < BUDGET, JSON.stringify([total, Object.fromEntries(sizes)]));
  });
}

Deno.test("GET / is in the language that Accept-Language prefers, or in English", async () => {
  await using app = await testApp();
  for (const [asked, lang] of [["zh-CN,zh;q=0.9", "zh"], ["de", "en"], ["fr, zh-TW;q=0.5", "zh"]]) {
    const response = await fetch(app.url, { headers: { "accept-language": asked! } });
    const html = await response.text();
    assert(html.includes(`<html lang="${lang}">`), asked);
    assert(html.includes(`<link rel="modulepreload" href="static/i18n/${lang}.js">`), asked);
    assert(response.headers.get("vary")?.includes("accept-language"), "vary");
  }
  for (const name of ["fr.js", "en.ts", "en.js.map.js", "..%2fapp.js", "constructor.js"]) {
    const response = await fetch(`${app.url}/static/i18n/${name}`);
    assertEquals(response.status, 404, name);
    await response.body?.cancel();
  }
});

Deno.test("GET / contains what the page shows first, as text that cannot become markup or script", async () => {
  await using app = await testApp();
  const message = "</template><script>alert(1)</script>&lt;$&$1\u2028";
  const before = Date.now();
  const { task_id } = await submit(app.url, "throws", { message });
  await finished(app.url, task_id);
  const html = await (await fetch(app.url)).text();
  assertEquals(html.match(/<script/g)?.length, 1);
  const list = await snapshot(app.url);
  const [record] = list.tasks as { task_id: string; error: { message: string } }[];
  assertEquals([record!.task_id, record!.error.message], [task_id, message]);
  const time = Date.parse(list.time as string);
  assert(time >= before && time <= Date.now(), list.time as string);
  const open = await snapshot(`${app.url}/?task_id=${task_id.toLowerCase()}`);
  assertEquals((open.task as { task_id: string }).task_id, task_id);
  assertEquals(open.tasks, undefined);
  for (const query of ["?task_id=nonsense", "?task_id=01J00000000000000000000000", "?q=x"]) {
    const { tasks, task } = await snapshot(`${app.url}/${query}`);
    assertEquals([tasks, task], [undefined, undefined], query);
  }
});

Deno.test("GET / shows tasks to nobody but a session that may read them", async () => {
  const secret = "s".repeat(32);
  const tokens = `reader:read:${secret},writer:submit:t${secret.slice(1)},` +
    `other:submit:o${secret.slice(1)}`;
  await using app = await testApp({ HEADWAY_TOKENS: tokens });
  const authorization = `Bearer t${secret.slice(1)}`;
  const { task_id } = await (await fetch(`${app.url}/tasks`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ kind: "echo", input: "secret" }),
  })).json();
  async function session(token: string): Promise<string> {
    const response = await fetch(`${app.url}/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
    await response.body?.cancel();
    return response.headers.get("set-cookie")!.split(";")[0]!;
  }
  const reader = await session(secret);
  const writer = await session(`t${secret.slice(1)}`);
  const other = await session(`o${secret.slice(1)}`);
  for (const path of ["/", `/?task_id=${task_id}`]) {
    const asked = async (headers: HeadersInit) => {
      const { tasks, task, login } = await snapshot(app.url + path, headers);
      return {
        shown: (tasks as unknown[] | undefined ?? []).length > 0 || task !== undefined,
        login,
      };
    };
    assertEquals(await asked({}), { shown: false, login: { required: true, scopes: [] } });
    assertEquals(
      (await asked({ cookie: `${app.auth.cookie.name({ secure: false, path: "/" })}=nonsense` }))
        .shown,
      false,
    );
    // The token that submitted the task sees it, another submit token does not.
    assertEquals((await asked({ cookie: writer })).shown, true);
    assertEquals((await asked({ cookie: other })).shown, false);
    // Only programs send a token in a header, and they do not load the page.
    assertEquals((await asked({ authorization: `Bearer ${secret}` })).shown, false);
    assertEquals(await asked({ cookie: reader }), {
      shown: true,
      login: { required: true, scopes: ["read"] },
    });
  }
});
