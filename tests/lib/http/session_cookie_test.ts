import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { SessionCookie } from "../../../lib/http/session_cookie.ts";

const cookie = new SessionCookie("0a1b2c3d");
const NAME = "headway-0a1b2c3d";

Deno.test("SessionCookie.read() gives each value of its own cookie name once, and none of another name", () => {
  const read = (header: string | null, secure = false, path = "/") =>
    cookie.read(header, { secure, path });
  assertEquals(read(null), []);
  assertEquals(read(""), []);
  assertEquals(read(`a=b; ${NAME}=x;${NAME}=y;  ${NAME}=x ; ${NAME}=; ${NAME}`), ["x", "y"]);
  assertEquals(read(`headway=x; x${NAME}=x; ${NAME}0=x; ${NAME.toUpperCase()}=x`), []);
  // Each scope has a name of its own.
  const all = `${NAME}=plain; __Host-${NAME}=secure; __Secure-${NAME}=below`;
  assertEquals([read(all), read(all, true), read(all, true, "/jobs/")], [
    ["plain"],
    ["secure"],
    ["below"],
  ]);
  const many = Array.from({ length: 1000 }, (_, n) => `${NAME}=${n}`).join("; ");
  assertEquals(read(many), ["0", "1", "2", "3", "4", "5", "6", "7"]);
});

Deno.test("SessionCookie.read() accepts any header", () => {
  const part = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(NAME, `${NAME}=`, ";", "="));
  fc.assert(fc.property(fc.array(part), fc.boolean(), (parts, secure) => {
    const values = cookie.read(parts.join(""), { secure, path: "/" });
    assertEquals(values.length, new Set(values).size);
    for (const value of values) assertMatch(value, /^[^;]+$/);
  }));
});

Deno.test("SessionCookie.set() protects the cookie from scripts, other sites and, over TLS, other hosts", () => {
  assertEquals(
    cookie.set("x", { secure: false, path: "/" }, 60),
    `${NAME}=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict`,
  );
  assertEquals(
    cookie.set("x", { secure: true, path: "/" }, 60),
    `__Host-${NAME}=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure`,
  );
  // Browsers accept `__Host-` only with the path `/`.
  assertEquals(
    cookie.set("x", { secure: true, path: "/jobs/" }, 60),
    `__Secure-${NAME}=x; Path=/jobs/; Max-Age=60; HttpOnly; SameSite=Strict; Secure`,
  );
});
