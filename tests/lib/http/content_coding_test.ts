import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { gzipSync } from "node:zlib";
import { concat } from "../../../lib/base/bytes.ts";
import { requirePlain, unpacked } from "../../../lib/http/content_coding.ts";
import { HttpError } from "../../../lib/http/errors.ts";

const GZIP = new Headers({ "content-encoding": "gzip" });

async function* chunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unzip(packed: Uint8Array, size?: number): Promise<Uint8Array> {
  return concat(await Array.fromAsync(unpacked(GZIP, chunks(packed, size))));
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("unpacked() decompresses gzip of one member or several, in any chunks", async () => {
  const packed = gzipSync("id,name\n");
  assertEquals(text(await unzip(packed)), "id,name\n");
  assertEquals(text(await unzip(packed, 1)), "id,name\n");
  // `cat a.gz b.gz` makes one gzip file of several members [RFC 1952, 2.2].
  assertEquals(text(await unzip(concat([packed, gzipSync("1,Ann\n")]), 7)), "id,name\n1,Ann\n");
  assertEquals(text(await unzip(gzipSync(""))), "");
});

Deno.test("unpacked() refuses gzip that is damaged, cut off or followed by other data, and what is not gzip", async () => {
  const packed = gzipSync("hello, hello, hello");
  const damaged = packed.map((byte, n) => n === packed.length - 6 ? byte ^ 1 : byte);
  const wrong = [
    packed.subarray(0, packed.length - 1),
    packed.subarray(0, 12),
    damaged,
    concat([packed, Uint8Array.of(1, 2, 3)]),
    new TextEncoder().encode("id,name\n1,Ann\n"),
    new Uint8Array(),
  ];
  for (const bytes of wrong) {
    const { status } = await assertRejects(() => unzip(bytes), HttpError, "gzip");
    assertEquals(status, 400);
  }
});

Deno.test("unpacked() gives a gzip bomb in small chunks, and stops reading when its reader leaves", async () => {
  let taken = 0;
  let left = false;
  const bomb = gzipSync(new Uint8Array(128 * 1024 * 1024));
  async function* body() {
    try {
      for await (const chunk of chunks(bomb, 1024)) {
        taken += chunk.length;
        yield chunk;
      }
    } finally {
      left = true;
    }
  }
  let size = 0;
  for await (const chunk of unpacked(GZIP, body())) {
    assert(chunk.length <= 64 * 1024);
    size += chunk.length;
    if (size > 1024 * 1024) break;
  }
  assert(left);
  assert(taken < bomb.length, "it was read to its end");
});

Deno.test("unpacked() passes on an error of the body", async () => {
  async function* late() {
    yield gzipSync("x").subarray(0, 5);
    throw new HttpError(408, "late");
  }
  const reading = () => Array.fromAsync(unpacked(GZIP, late()));
  assertEquals((await assertRejects(reading, HttpError, "late")).status, 408);
});

Deno.test("unpacked() and requirePlain() refuse other codings with 415, and say which one they accept", () => {
  const of = (coding: string) => new Headers({ "content-encoding": coding });
  for (const coding of ["br", "deflate", "gzip, gzip", "aws-chunked", "zstd"]) {
    const error = assertThrows(() => unpacked(of(coding), chunks(new Uint8Array())), HttpError);
    assertEquals([error.status, error.options.headers], [415, { "accept-encoding": "gzip" }]);
  }
  const error = assertThrows(() => requirePlain(GZIP), HttpError);
  assertEquals([error.status, error.options.headers], [415, { "accept-encoding": "identity" }]);
  for (const coding of ["identity", "", "Identity, identity"]) requirePlain(of(coding));
  requirePlain(new Headers());
});
