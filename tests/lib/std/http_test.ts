import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { accepts, eTag, ifNoneMatch, STATUS_CODE, STATUS_TEXT } from "@std/http";

function request(accept?: string): Request {
  return new Request("http://localhost/", accept === undefined ? {} : { headers: { accept } });
}

Deno.test("STATUS_TEXT names every code of STATUS_CODE", () => {
  assertEquals(STATUS_TEXT[STATUS_CODE.NotFound], "Not Found");
  assertEquals(STATUS_TEXT[STATUS_CODE.OK], "OK");
  assertEquals(STATUS_TEXT[STATUS_CODE.URITooLong], "URI Too Long");
  assertEquals(STATUS_TEXT[STATUS_CODE.IMUsed], "IM Used");
  assertEquals(STATUS_TEXT[STATUS_CODE.Teapot], "I'm a teapot");
  assertEquals(STATUS_TEXT[STATUS_CODE.HTTPVersionNotSupported], "HTTP Version Not Supported");
  assertEquals(Object.keys(STATUS_TEXT).length, Object.keys(STATUS_CODE).length);
});

Deno.test("eTag() returns the length in hex and the start of the SHA-256 digest", async () => {
  assertEquals(await eTag(""), `"0-47DEQpj8HBSa+/TImW+5JCeuQeR"`);
  assertEquals(await eTag(new Uint8Array()), await eTag(""));
  assertMatch(await eTag("x".repeat(17)), /^"11-[A-Za-z0-9+/]{27}"$/);
});

Deno.test("eTag() returns the same tag for a text and its UTF-8 bytes, and another for other content", async () => {
  assertEquals(await eTag("é"), await eTag(new TextEncoder().encode("é")));
  assertNotEquals(await eTag("a"), await eTag("b"));
});

Deno.test("eTag() marks a weak tag", async () => {
  assertEquals(await eTag("a", { weak: true }), `W/${await eTag("a")}`);
});

Deno.test("ifNoneMatch() is false where the header lists the tag, weak or not", () => {
  for (const header of [`"a"`, `W/"a"`, `"b", "a"`, `"b",W/"a" , "c"`, "*", " * "]) {
    assertEquals(ifNoneMatch(header, `"a"`), false, header);
    assertEquals(ifNoneMatch(header, `W/"a"`), false, header);
  }
});

Deno.test("ifNoneMatch() is true where nothing matches", () => {
  for (const header of [null, "", `"b"`, "a", `"A"`, `"aa"`]) {
    assertEquals(ifNoneMatch(header, `"a"`), true, String(header));
  }
  assertEquals(ifNoneMatch("*", undefined), true);
});

Deno.test("accepts() lists what the request accepts, best first", () => {
  const header = "text/html, application/xml;q=0.9, image/webp, */*;q=0.8, text/plain;q=0";
  assertEquals(accepts(request(header)), ["text/html", "image/webp", "application/xml", "*/*"]);
  assertEquals(accepts(request()), ["*/*"]);
});

Deno.test("accepts() returns the type that the request prefers, or undefined if it accepts none", () => {
  const types = ["application/json", "text/html"] as const;
  const expected: [string | undefined, string | undefined][] = [
    [undefined, "application/json"],
    ["*/*", "application/json"],
    ["text/html, application/json;q=0.5", "text/html"],
    ["text/*;q=0.1, application/*;q=0.01", "text/html"],
    ["TEXT/HTML", "text/html"],
    ["application/json;q=0, */*;q=0.1", "text/html"],
    ["*/*;q=0", undefined],
    ["image/png", undefined],
  ];
  for (const [header, type] of expected) assertEquals(accepts(request(header), ...types), type);
});
