import { assert, assertEquals, assertMatch } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { testApp } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const DEPLOY = new URL("../../deploy/", import.meta.url);

function read(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, DEPLOY));
}

/** The Deno permissions that a command line gives. */
function permissionsIn(command: string): string[] {
  return command.match(/--allow-[a-z]+(=[\w,]+)?/g) ?? [];
}

/** Whether a program is installed: runs it with `--version`. */
async function isThere(program: string): Promise<boolean> {
  const quiet = { stdout: "null", stderr: "null" } as const;
  const command = new Deno.Command(program, { args: ["--version"], ...quiet });
  return await command.output().then(({ success }) => success, () => false);
}

Deno.test("the container and the service have the permissions that 'deno task start' gives", async () => {
  const wanted = permissionsIn(denoJson.tasks.start.command);
  const [, entry] = /^ENTRYPOINT (.*)$/m.exec(await read("Dockerfile"))!;
  const [, exec] = /^ExecStart=(.*)$/m.exec(await read("headway.service"))!;
  assertEquals(permissionsIn(JSON.parse(entry!).join(" ")), wanted);
  assertEquals(permissionsIn(exec!), wanted);
});

Deno.test("the container uses the Deno version that the README names", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", DEPLOY));
  const [, version] = /deno@([\d.]+) /.exec(readme)!;
  const bases = (await read("Dockerfile")).match(/^FROM \S+/gm);
  assertEquals(new Set(bases), new Set([`FROM denoland/deno:${version}`]));
});

Deno.test("the container has all files of code that the package has", async () => {
  const dockerfile = await read("Dockerfile");
  const copied = new Set(
    [...dockerfile.matchAll(/^COPY (?!-)(.*) \S+$/gm)].flatMap(([, it]) => it!.split(" ")),
  );
  const ignored = (await read("Dockerfile.dockerignore")).split("\n");
  for (const path of denoJson.publish.include) {
    const [top = ""] = path.split("/");
    if (/^[A-Z]/.test(top)) continue;
    assert(copied.has(top) && ignored.includes(`!${top}`), top);
  }
});

Deno.test({
  name: "systemd accepts deploy/headway.service",
  ignore: !await isThere("systemd-analyze"),
  async fn() {
    await using folder = await tempDir();
    const unit = `${folder.path}/headway.service`;
    // systemd also checks that the program exists.
    await Deno.writeTextFile(
      unit,
      (await read("headway.service")).replace("/usr/bin/deno", Deno.execPath()),
    );
    const analyze = new Deno.Command("systemd-analyze", { args: ["verify", unit] });
    const { code, stderr } = await analyze.output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  },
});

Deno.test("the container's health check passes for a server of any host and base path, and fails without one", async () => {
  const [, line] = /HEALTHCHECK[^\n]*\\\n\s*CMD (.*)$/m.exec(await read("Dockerfile"))!;
  const [program, ...args] = JSON.parse(line!) as string[];
  assertEquals([program, args.pop()], ["deno", "/headway/deploy/healthcheck.ts"]);
  const check = async (port: string) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: [...args, new URL("healthcheck.ts", DEPLOY).pathname],
      env: { HEADWAY_OPS_PORT: port },
    });
    const { code, stderr } = await command.output();
    return [code, new TextDecoder().decode(stderr)];
  };
  const settings = { HEADWAY_OPS_PORT: "0", HEADWAY_BASE_PATH: "/jobs", HEADWAY_INSECURE: "1" };
  const names = { HEADWAY_HOST: "0.0.0.0", HEADWAY_HOSTS: "tasks.example" };
  let port: string;
  {
    await using app = await testApp({ ...settings, ...names });
    port = new URL(app.opsUrl).port;
    assertMatch(port, /^\d+$/);
    assertEquals(await check(port), [0, ""]);
  }
  assertEquals(await check(port), [1, ""]);
});
