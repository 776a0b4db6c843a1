/**
 * Real proxies for the tests, with the configurations of `deploy/`: nginx and Caddy, if they are
 * installed.
 *
 * @module
 */

import { assert } from "@std/assert";
import { writeCertificate } from "./certificate.ts";
import { freePort } from "./denokv.ts";
import { eventually } from "./eventually.ts";
import { tempDir } from "./temp_dir.ts";

/** A running proxy. Disposing of it ends it. */
export interface Proxy extends AsyncDisposable {
  /** Its origin, as `https://localhost:1234`. */
  readonly url: string;
  /** Trusts the proxy's certificate, and speaks HTTP/2 only. */
  readonly client: Deno.HttpClient;
  /** The access log so far. */
  log(): Promise<string>;
}

/** The path below which a proxy serves Headway, and whether it strips that path. */
export interface Below {
  /** As `/jobs/`. */
  path: string;
  strips: boolean;
}

export const PROXIES = {
  nginx: { command: find("nginx"), start: startNginx },
  caddy: { command: find("caddy"), start: startCaddy },
};

/** Replaces texts in a configuration, and asserts that each is there to be replaced. */
function adapted(config: string, changes: Record<string, string>): string {
  for (const [from, to] of Object.entries(changes)) {
    assert(config.includes(from), `${from} is in the configuration`);
    config = config.replaceAll(from, to);
  }
  return config;
}

function read(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`../../deploy/${name}`, import.meta.url));
}

/** nginx with its defaults, but with gzip for every response. */
async function startNginx(command: string, target: string, below?: Below): Promise<Proxy> {
  return await startProxy(async (folder, port, certFile, keyFile) => {
    const site = adapted(await read("nginx.conf"), {
      "127.0.0.1:8000": new URL(target).host,
      "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
      "server_name tasks.example": "server_name localhost",
      "/etc/ssl/headway/cert.pem": certFile,
      "/etc/ssl/headway/key.pem": keyFile,
      "/var/log/nginx/headway.log": `${folder}/access.log`,
      ...(below && { "location / {": `location ${below.path} {` }),
      // The changes that the comment in nginx.conf describes.
      ...(below?.strips && {
        "proxy_pass http://headway;": "proxy_pass http://headway/;",
        'X-Forwarded-Prefix ""': `X-Forwarded-Prefix ${below.path}`,
      }),
    });
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`);
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; pid ${folder}/pid; error_log ${folder}/error.log warn; ` +
        `${Deno.uid() === 0 ? "user root; " : ""}events {}\n` +
        `http { ${temporary.join(" ")} gzip on; gzip_proxied any; gzip_types *;\n${site}\n}\n`,
    );
    return { command, args: ["-p", folder, "-e", `${folder}/error.log`, "-c", "nginx.conf"] };
  });
}

/** Caddy with its defaults, but with a certificate of ours. */
async function startCaddy(command: string, target: string): Promise<Proxy> {
  return await startProxy(async (folder, port, certFile, keyFile) => {
    const site = adapted(await read("Caddyfile"), {
      "127.0.0.1:8000": new URL(target).host,
      "tasks.example {": `https://localhost:${port} {\n\tbind 127.0.0.1\n` +
        `\ttls ${certFile} ${keyFile}\n\tlog {\n\t\toutput file ${folder}/access.log\n\t}`,
    });
    const global =
      `{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system ${folder}\n}\n`;
    await Deno.writeTextFile(`${folder}/Caddyfile`, global + site);
    return { command, args: ["run", "--config", `${folder}/Caddyfile`, "--adapter", "caddyfile"] };
  });
}

async function startProxy(
  configure: (
    folder: string,
    port: number,
    certFile: string,
    keyFile: string,
  ) => Promise<{ command: string; args: string[] }>,
): Promise<Proxy> {
  await using resources = new AsyncDisposableStack();
  const { path: folder } = resources.use(await tempDir());
  const { cert, certFile, keyFile } = await writeCertificate(folder);
  const port = freePort();
  const { command, args } = await configure(folder, port, certFile, keyFile);
  const child = new Deno.Command(command, {
    args,
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = new Response(child.stderr).text();
  let over = false;
  const ended = child.status.then(() => over = true);
  resources.defer(async () => {
    // SIGTERM ends a proxy at once, even with streams open.
    if (!over) child.kill("SIGTERM");
    await ended;
    await said;
  });
  const client = resources.use(Deno.createHttpClient({ caCerts: [cert], http1: false }));
  const url = `https://localhost:${port}`;
  await eventually(async () => {
    if (over) return;
    const response = await fetch(`${url}/healthz`, { client });
    await response.body?.cancel();
  });
  if (over) throw new Error(`The proxy ended at start:\n${await said}`);
  const owned = resources.move();
  return {
    url,
    client,
    log: () => Deno.readTextFile(`${folder}/access.log`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function find(name: string): string | null {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  for (const folder of folders) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
