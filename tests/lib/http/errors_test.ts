import { assertEquals } from "@std/assert";
import { errorResponse, HttpError } from "../../../lib/http/errors.ts";
import { createLogger } from "../../../lib/base/log.ts";

function answer(error: unknown): { response: Response; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  return { response: errorResponse(error, log), lines };
}

Deno.test("errorResponse() says what is wrong as problem+json, with an error string", async () => {
  const { response, lines } = answer(
    new HttpError(409, "It is so", {
      field: "input.n",
      extra: { task_id: "1" },
      headers: { allow: "GET" },
    }),
  );
  assertEquals(response.status, 409);
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  assertEquals(response.headers.get("allow"), "GET");
  assertEquals(await response.json(), {
    type: "about:blank",
    title: "Conflict",
    status: 409,
    detail: "It is so",
    error: "It is so",
    field: "input.n",
    task_id: "1",
  });
  assertEquals(lines, []);
});

Deno.test("errorResponse() hides any error but an HttpError from the client, and logs it", async () => {
  for (const error of [new TypeError("secret"), "secret", null, Object.create(null)]) {
    const { response, lines } = answer(error);
    assertEquals(response.status, 500);
    assertEquals((await response.text()).includes("secret"), false);
    assertEquals(lines.length, 1);
  }
});
