import { COOKIE, type Principal } from "../lib/auth.ts";
import { HttpError } from "../lib/errors.ts";
import { json, readJson } from "../lib/http.ts";
import type { App, RouteContext } from "./app.ts";
import { isSecure, limit } from "./guard.ts";

/** `GET /login`: whether a token is needed, and what the page's session opens. */
export async function getLogin(app: App, { request }: RouteContext): Promise<Response> {
  const principal = await sessionOf(app, request);
  return json({ required: app.auth.required, scopes: principal?.scopes ?? [] });
}

/** Whose session of the page it is; `null` for none, or one that is over. */
export async function sessionOf(app: App, { headers }: Request): Promise<Principal | null> {
  const shown = { authorization: null, query: null, cookie: headers.get("cookie") };
  return await app.auth.authenticate(shown).catch((error) => {
    if (error instanceof HttpError) return null;
    throw error;
  });
}

/** `POST /login`: begins a session of the page, in a cookie that no script can read. */
export async function login(app: App, context: RouteContext): Promise<Response> {
  const { request, url, client } = context;
  limit(app.logins, client);
  const { token } = (await readJson(request, app.config) ?? {}) as { token?: unknown };
  if (typeof token !== "string" || token === "") {
    throw new HttpError(400, "'token' must be a token", { field: "token" });
  }
  if (!app.auth.required) throw new HttpError(409, "This server needs no token");
  const { cookie, principal, ms } = await app.auth.signIn(token.trim());
  const attributes = attributesOf(isSecure(app, request, url), Math.floor(ms / 1000));
  return json({ scopes: principal.scopes }, 200, {
    "set-cookie": `${COOKIE}=${cookie}; ${attributes}`,
  });
}

/** `POST /logout`: the browser forgets its session. */
export function logout(app: App, { request, url }: RouteContext): Response {
  const attributes = attributesOf(isSecure(app, request, url), 0);
  return new Response(null, {
    status: 204,
    headers: { "set-cookie": `${COOKIE}=; ${attributes}` },
  });
}

function attributesOf(secure: boolean, seconds: number): string {
  return `Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
}
