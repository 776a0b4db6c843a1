/**
 * The example application, started and used as its README says, with the package as it would be
 * published.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "node:path";
import type { Page } from "puppeteer-core";
import { TestBrowser } from "../helpers/browser.ts";
import { within } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { childrenOf } from "../helpers/processes.ts";
import { published } from "../helpers/published.ts";

const EXAMPLE = new URL("../../examples/app/", import.meta.url);

/** The application's address in the README. */
const ADDRESS = "http://localhost:3000";

const env = { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`, NO_COLOR: "1" };

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (name.startsWith(".")) continue;
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}

/** The blocks of shell commands in the README. */
async function commands(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("README.md", EXAMPLE));
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block!);
}

/** The running application: its folder and its address. */
interface Application extends AsyncDisposable {
  folder: string;
  url: string;
}

/** Runs the README's first block on a free port. Disposing of the application stops it. */
async function started(command: string): Promise<Application> {
  await using owned = new AsyncDisposableStack();
  const { path } = owned.use(await published());
  const folder = `${path}/examples/app`;
  await copyFolder(EXAMPLE, folder);
  const shell = new Deno.Command("sh", {
    args: ["-e", "-c", command],
    cwd: path,
    env: { ...env, PORT: "0" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said: string[] = [];
  const url = Promise.withResolvers<string>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      said.push(decoder.decode(bytes, { stream: true }));
      const [, port] = /Listening on \S+:(\d+)\//.exec(said.join("")) ?? [];
      if (port) url.resolve(`http://localhost:${port}`);
    }
  };
  const reading = Promise.all([read(shell.stdout), read(shell.stderr)]);
  owned.defer(async () => {
    await terminate(shell.pid);
    await Promise.all([shell.status, reading]);
  });
  void reading.then(() => url.reject(new Error(`It ended:\n${said.join("")}`)));
  url.promise.catch(() => {});
  const at = await within(url.promise, () => said.join(""));
  const kept = owned.move();
  return { folder, url: at, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Sends SIGTERM to the program that a shell has started with `deno task`. */
async function terminate(pid: number): Promise<void> {
  for (const child of await childrenOf(pid)) {
    const args = await Deno.readTextFile(`/proc/${child}/cmdline`).catch(() => "");
    if (args.includes("main.ts") && !args.includes("data:text")) Deno.kill(child, "SIGTERM");
    else await terminate(child);
  }
}

async function shows(page: Page, text: string): Promise<void> {
  await eventually(
    async () => assertStringIncludes(await page.$eval("body", (body) => body.innerText), text),
    { interval: 25 },
  );
}

async function signIn(page: Page, url: string, user: string, password: string): Promise<void> {
  await page.goto(url);
  await page.locator("[name=user]").fill(user);
  await page.locator("[name=password]").fill(password);
  await Promise.all([page.waitForNavigation(), page.locator("button").click()]);
}

Deno.test("examples/app adds Headway in fewer than ten lines, which are those of its README's diff", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", EXAMPLE));
  const [, diff = ""] = /^```diff\n(.*?)^```/ms.exec(readme) ?? [];
  const changed: string[] = [];
  for (const part of diff.split(/^ (?=\S+$)/m).filter(Boolean)) {
    const [file = "", ...lines] = part.trimEnd().split("\n");
    const own = (await Deno.readTextFile(new URL(file, EXAMPLE))).split("\n");
    const added = lines.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
    for (const line of added) assert(own.includes(line), `${file}: ${line}`);
    changed.push(...added);
    // No other line is about Headway. `links` stands for the published package.
    const more = own.filter((line) =>
      /headway|jobs|task|"kv"/i.test(line) && !/"(links|tasks)"/.test(line)
    );
    assertEquals(more.filter((line) => !added.includes(line)), [], file);
  }
  assert(changed.length > 0 && changed.length < 10, `${changed.length} lines`);
});

Deno.test("examples/app runs as its README says, and shows its users their tasks in its own page", async () => {
  const [start = "", terminal = ""] = await commands();
  await using app = await started(start);
  assertEquals(terminal.match(/^curl /gm)?.length, 3);
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-e", "-c", terminal.replaceAll(ADDRESS, app.url)],
    cwd: app.folder,
    env,
  }).output();
  const output = new TextDecoder().decode(stdout);
  assert(success, new TextDecoder().decode(stderr));
  assertStringIncludes(output, '"kind":"import-contacts"');
  assertStringIncludes(output, '"owner":"ada"');

  await using browser = await TestBrowser.launch();
  await using ada = await browser.open(app.url);
  await signIn(ada.page, app.url, "ada", "analytical");
  const input = await ada.page.$("input");
  await input!.uploadFile(`${app.folder}/contacts.csv`);
  await Promise.all([
    ada.page.waitForNavigation(),
    ada.page.locator("form[action='/contacts'] button").click(),
  ]);
  await eventually(async () => {
    const status = await ada.page.$eval(
      "headway-progress",
      (element) => element.shadowRoot?.querySelector("[part=status]")?.textContent,
    );
    assertEquals(status, "Completed");
  });
  await ada.page.goto(`${app.url}/jobs/`);
  await shows(ada.page, "import-contacts");

  await using grace = await browser.open(app.url);
  await grace.page.goto(`${app.url}/jobs/`);
  await shows(grace.page, "Sign in to the application that this page belongs to");
  assertEquals(await grace.page.$("#login-token"), null);
  await signIn(grace.page, app.url, "grace", "compiler");
  await grace.page.goto(`${app.url}/jobs/`);
  await shows(grace.page, "No tasks yet");
  assertEquals([ada.problems, grace.problems], [[], []]);
  // The run has added nothing to the lock file.
  const lock = await Deno.readTextFile(`${app.folder}/deno.lock`);
  assertEquals(lock, await Deno.readTextFile(new URL("deno.lock", EXAMPLE)));
});
