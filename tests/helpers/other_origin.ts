/**
 * Pages of another site, served at an origin of their own beside Headway's.
 *
 * @module
 */

export interface OtherOrigin extends AsyncDisposable {
  readonly origin: string;
}

export interface ForeignPage {
  html: string;
  /** The page's own Content-Security-Policy. */
  csp?: string;
}

/** Serves pages by path; answers 404 where `pageOf` returns `null`. */
export function otherOrigin(
  pageOf: (path: string) => ForeignPage | null | Promise<ForeignPage | null>,
): OtherOrigin {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const page = await pageOf(new URL(request.url).pathname);
      if (page === null) return new Response(null, { status: 404 });
      const headers = new Headers({ "content-type": "text/html; charset=utf-8" });
      if (page.csp !== undefined) headers.set("content-security-policy", page.csp);
      return new Response(page.html, { headers });
    },
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
