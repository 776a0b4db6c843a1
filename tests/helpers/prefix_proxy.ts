/**
 * A reverse proxy that strips a path prefix, as nginx's `location /jobs/ { proxy_pass …/; }` does.
 *
 * @module
 */

export interface PrefixProxy extends AsyncDisposable {
  /** Its origin, as `http://localhost:1234`; Headway is below the prefix. */
  readonly url: string;
  /** Requested paths that are not below the prefix. */
  readonly strays: string[];
}

/** Passes requests below `prefix` on to `target`, and no others. */
export function startPrefixProxy(target: string, prefix: string): PrefixProxy {
  const strays: string[] = [];
  const client = Deno.createHttpClient({});
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith(`${prefix}/`)) {
      strays.push(pathname);
      return new Response(null, { status: 404 });
    }
    const { method, body, signal } = request;
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.set("x-forwarded-prefix", prefix);
    try {
      const url = target + pathname.slice(prefix.length) + search;
      return await fetch(url, { method, headers, body, signal, client, redirect: "manual" });
    } catch {
      return new Response(null, { status: 502 });
    }
  });
  return {
    url: `http://localhost:${server.addr.port}`,
    strays,
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      await server.shutdown();
    },
  };
}
