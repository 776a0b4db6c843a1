/** A minimal login: a name, a password and a signed cookie. Use your own instead. */
import { Hono } from "hono";
import { deleteCookie, setSignedCookie } from "hono/cookie";
import { html } from "hono/html";
import { parseSigned } from "hono/utils/cookie";

const PASSWORDS: Readonly<Record<string, string>> = { ada: "analytical", grace: "compiler" };
const SECRET = crypto.randomUUID();
const COOKIE = "user";

/** The name of the signed-in user; `null` if there is none. */
export async function userOf({ headers }: Request): Promise<string | null> {
  const { [COOKIE]: user } = await parseSigned(headers.get("cookie") ?? "", SECRET, COOKIE);
  return user || null;
}

export const login = new Hono();

login.get("/login", (c) =>
  c.html(html`
    <!DOCTYPE html>
    <title>Sign in</title>
    <link rel="icon" href="data:,">
    <form method="post">
      <input name="user" placeholder="User" required autofocus>
      <input name="password" type="password" placeholder="Password" required>
      <button>Sign in</button>
    </form>
  `));

login.post("/login", async (c) => {
  const { user, password } = await c.req.parseBody<{ user: string; password: string }>();
  if (!Object.hasOwn(PASSWORDS, user) || PASSWORDS[user] !== password) {
    return c.redirect("/login", 303);
  }
  await setSignedCookie(c, COOKIE, user, SECRET, { httpOnly: true, sameSite: "Lax", path: "/" });
  return c.redirect("/", 303);
});

login.post("/logout", (c) => {
  deleteCookie(c, COOKIE, { path: "/" });
  return c.redirect("/login", 303);
});
