import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  encodingAtStart,
  encodingName,
  encodingOf,
  ENCODINGS,
} from "../../../lib/kinds/text_encoding.ts";
import { encodeText } from "../../helpers/encode_text.ts";

Deno.test("ENCODINGS are the Encoding Standard's names of the encodings that can be read", () => {
  assertEquals(ENCODINGS.map((name) => new TextDecoder(name).encoding), [...ENCODINGS]);
  assertEquals(ENCODINGS.map(encodingName), [...ENCODINGS]);
  // Of the encodings that browsers know, these are left out.
  for (const name of ["iso-2022-jp", "x-user-defined"]) {
    assertEquals([new TextDecoder(name).encoding, encodingName(name)], [name, undefined]);
  }
});

Deno.test("encodingName() knows browsers' labels, and refuses encodings in which no row can be found", () => {
  assertEquals(["UTF8", "latin1", "sjis", "gb2312"].map(encodingName), [
    "utf-8",
    "windows-1252",
    "shift_jis",
    "gbk",
  ]);
  for (const label of ["", "utf-7", "klingon", "iso-2022-jp", "replacement"]) {
    assertEquals(encodingName(label), undefined, label);
  }
});

Deno.test("encodingAtStart() leaves ASCII undecided, and is sure of UTF-8", () => {
  assertEquals(encodingAtStart(encodeText("a,b\n1,2\0\n", "utf-8")), undefined);
  assertEquals(encodingAtStart(encodeText("a,é\n", "utf-8")), { name: "utf-8", sure: true });
});

Deno.test("encodingOf() recognizes UTF-8 and GBK despite some damage", () => {
  const text = "姓名,城市\n张伟,北京\n".repeat(20);
  for (const [encoding, name] of [["utf-8", "utf-8"], ["gbk", "gb18030"]] as const) {
    const bytes = encodeText(text, encoding);
    bytes[bytes.length - 2] = 0xff;
    assertEquals(encodingOf(bytes), { name, sure: true });
  }
});

Deno.test("encodingAtStart() and encodingOf() name a known encoding for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const { name } = encodingAtStart(bytes) ?? encodingOf(bytes);
    assertEquals(encodingName(name), name);
  }));
});
