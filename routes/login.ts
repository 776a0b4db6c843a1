import type { Principal } from "../lib/http/principal.ts";
import { HttpError } from "../lib/http/errors.ts";
import { json, readJson } from "../lib/http/http.ts";
import { checkOrigin } from "../lib/http/origin.ts";
import type { Scope } from "../lib/http/tokens.ts";
import type { App, RouteContext } from "./app.ts";
import { checkBody, CREDENTIALS } from "./bodies.ts";
import { cookieScope, isSecure, limit, sessionsShown } from "./guard.ts";

/** `GET /login`: whether a token is needed, and which scopes the page's session has. */
export async function getLogin(app: App, context: RouteContext): Promise<Response> {
  return json(sessionTold(app, await sessionOf(app, context)));
}

/** What the page is told of its session. */
export function sessionTold({ auth }: App, principal: Principal | null): {
  required: boolean;
  scopes: readonly Scope[];
  elsewhere?: true;
} {
  return {
    required: auth.required,
    scopes: principal?.scopes ?? [],
    ...(auth.elsewhere ? { elsewhere: true } : {}),
  };
}

/** Whose session of the page it is; `null` for none, or one that is over. */
export async function sessionOf(
  app: App,
  { request, url }: Pick<RouteContext, "request" | "url">,
): Promise<Principal | null> {
  const sessions = sessionsShown(app, request, url);
  return await app.auth.authenticate({ authorization: null, query: null, sessions, request })
    .catch((error) => {
      if (error instanceof HttpError) return null;
      throw error;
    });
}

/** `POST /login`: begins a session of the page, in a cookie that no script can read. */
export async function login(app: App, context: RouteContext): Promise<Response> {
  const { request, url, client } = context;
  requireTrusted(app, context);
  limit(app.logins, client);
  if (app.auth.elsewhere) {
    throw new HttpError(409, "Sign in to the application that this belongs to");
  }
  const { token } = checkBody(CREDENTIALS, await readJson(request, app.config), '{"token":"…"}');
  if (!app.auth.required) throw new HttpError(409, "This server needs no token");
  const { cookie, principal, ms } = await app.auth.signIn(token.trim());
  // The browser forgets the one before, which nobody could end any more.
  await app.auth.signOut(sessionsShown(app, request, url)).catch((error) => {
    app.log.warn("an earlier session could not be ended", { error });
  });
  const scope = cookieScope(app, request, url);
  const set = app.auth.cookie.set(cookie, scope, Math.floor(ms / 1000));
  return json({ scopes: principal.scopes }, 200, { "set-cookie": set });
}

/** `POST /logout`: ends the session and its streams; the browser forgets it. */
export async function logout(app: App, context: RouteContext): Promise<Response> {
  const { request, url } = context;
  requireTrusted(app, context);
  const headers = { "set-cookie": app.auth.cookie.set("", cookieScope(app, request, url), 0) };
  try {
    await app.auth.signOut(sessionsShown(app, request, url));
  } catch (error) {
    app.log.error("the end of a session could not be stored", { error });
    throw new HttpError(
      503,
      "The session has ended here, but the store has not recorded it: until it does, a copy " +
        "of the cookie still works on other processes, and after a restart",
      { headers },
    );
  }
  return new Response(null, { status: 204, headers });
}

/**
 * A cookie is at stake, which `*` trusts nobody with: else a page next door could sign its visitors
 * in as somebody else.
 *
 * @throws {HttpError} 403
 */
function requireTrusted(app: App, { request, url }: RouteContext): void {
  const origins = app.config.origins.filter((origin) => origin !== "*");
  checkOrigin({ ...app.config, origins }, request.headers, url, isSecure(app, request, url));
}
