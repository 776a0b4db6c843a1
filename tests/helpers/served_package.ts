/**
 * The package as JSR serves it: by HTTP, with imports that need no import map.
 *
 * @module
 */

import denoJson from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

const STAND_INS = Object.fromEntries(
  denoJson.links.map((path) => [path.replace("./lib/std", "@std"), `${path.slice(2)}/mod.ts`]),
);

/** Serves the package; `main` is the address of `main.ts`. Disposal clears Deno's cache of it, too. */
export function servePackage(): AsyncDisposable & { main: string; host: string } {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, origin } = new URL(request.url);
    const file = new URL(`.${pathname}`, ROOT);
    if (!pathname.endsWith(".ts")) return new Response(await Deno.readFile(file));
    const source = (await Deno.readTextFile(file)).replace(
      /((?:from|import\(|import)\s*")([@\w][^":]*)"/g,
      (_all, before, name) => `${before}${addressOf(name, origin)}"`,
    );
    return new Response(source, { headers: { "content-type": "application/typescript" } });
  });
  const { port } = server.addr;
  return {
    main: `http://127.0.0.1:${port}/main.ts`,
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose](): Promise<void> {
      await server.shutdown();
      await removeCached(port);
    },
  };
}

function addressOf(name: string, origin: string): string {
  if (name in STAND_INS) return `${origin}/${STAND_INS[name]}`;
  for (const [key, target] of Object.entries(denoJson.imports)) {
    if (target.startsWith("npm:") && (name === key || name.startsWith(`${key}/`))) {
      return target + name.slice(key.length);
    }
    if (name === key) return origin + target.slice(1);
  }
  return name;
}

async function removeCached(port: number): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { modulesCache } = JSON.parse(new TextDecoder().decode(stdout));
  await Deno.remove(`${modulesCache}/http/127.0.0.1_PORT${port}`, { recursive: true });
}
