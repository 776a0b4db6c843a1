import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../../lib/base/bytes.ts";
import { HttpError } from "../../../lib/http/errors.ts";
import { formFile, isForm, MAX_AROUND } from "../../../lib/http/form_file.ts";

const TYPE = "multipart/form-data; boundary=X";

const encode = (text: string) => new TextEncoder().encode(text);

function part(parameters: string, content: string | Uint8Array, headers = ""): Uint8Array {
  const head = `Content-Disposition: form-data; ${parameters}\r\n${headers}\r\n`;
  return concat([encode(head), typeof content === "string" ? encode(content) : content]);
}

function form(parts: Uint8Array[], boundary = "X"): Uint8Array {
  const lines = parts.flatMap((it) => [encode(`--${boundary}\r\n`), it, encode("\r\n")]);
  return concat([...lines, encode(`--${boundary}--\r\n`)]);
}

async function* chunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let n = 0;
  for (let at = 0; at < bytes.length; n++) {
    yield bytes.slice(at, at += sizes[n % sizes.length]!);
  }
}

async function read(bytes: Uint8Array, sizes = [1 << 20], type = TYPE) {
  const { name, content } = await formFile(type, chunks(bytes, sizes));
  return { name, content: concat(await Array.fromAsync(content)) };
}

async function refused(
  bytes: Uint8Array,
  sizes?: number[],
  type?: string,
): Promise<[number, string]> {
  const { status, message } = await assertRejects(() => read(bytes, sizes, type), HttpError);
  return [status, message];
}

Deno.test("formFile() gives the file as it was sent, whatever it contains and wherever the chunks end", async () => {
  // Some of these texts look like the boundary, but are not.
  const text = fc.oneof(
    fc.constantFrom("\r\n", "\r\n--", "\r\n--Y", "--X", "\r", "\n--X", "\r\n\r\n", "-"),
    fc.string({ maxLength: 5 }),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.array(text), fc.boolean(), sizes, async (texts, fields, sizes) => {
      const content = encode(texts.join(""));
      fc.pre(!new TextDecoder().decode(content).includes("\r\n--X"));
      const field = part('name="note"', "a note\r\n--Y");
      const file = part(
        'name="file"; filename="people.csv"',
        content,
        "Content-Type: text/csv\r\n",
      );
      const whole = form(fields ? [field, file, field] : [file]);
      assertEquals(await read(whole, sizes), { name: "people.csv", content });
      // A form that lacks some of its end is never taken for complete.
      const end = whole.length - 3 - sizes[0]! % whole.length;
      if (end > 0) assertEquals((await refused(whole.slice(0, end), sizes))[0], 400);
    }),
    { numRuns: 300 },
  );
});

Deno.test("formFile() reads file names as curl, browsers and Python write them", async () => {
  const names: [parameters: string, name: string | null][] = [
    ["name=file", null],
    ['name="file"', null],
    ['name="file"; filename="people.csv"', "people.csv"],
    ['filename="Über 進捗.csv"; name=file', "Über 進捗.csv"],
    ['name=f; filename="a%22b%0D%0A.csv"', 'a"b\r\n.csv'],
    ['name=f; filename="a\\"b.csv"', 'a"b.csv'],
    ['name=f; filename="a;name=b.csv"', "a;name=b.csv"],
    ['name=f; filename="C:\\"', "C:\\"],
    ["name=f; FileName=plain.csv", "plain.csv"],
    ["name=f; filename*=UTF-8''%C3%9Cber.csv", "Über.csv"],
    ["name=f; filename=\"a.csv\"; filename*=utf-8''b.csv", "a.csv"],
  ];
  for (const [parameters, name] of names) {
    assertEquals((await read(form([part(parameters, "x")]))).name, name, parameters);
  }
});

Deno.test("formFile() accepts boundaries and white space as RFC 2046 defines them", async () => {
  const file = part('name="f"; filename="a"', "x");
  const boundary = "a'()+_,-./:=? b";
  const whole = form([file], boundary);
  for (const type of [`multipart/form-data; charset=utf-8; boundary="${boundary}"`]) {
    assertEquals((await read(whole, [3], type)).name, "a");
  }
  const text = new TextDecoder().decode(form([file]));
  for (
    const same of [`before\r\n${text}`, `${text}behind`, text.replace("--X\r\n", "--X \t\r\n")]
  ) {
    assertEquals((await read(encode(same), [3])).name, "a", same);
  }
  for (
    const type of [
      "multipart/form-data",
      "multipart/form-data; boundary=",
      `multipart/form-data; boundary="a "`,
      `multipart/form-data; boundary=${"b".repeat(71)}`,
    ]
  ) {
    assertEquals((await refused(whole, [3], type))[0], 400, type);
  }
});

Deno.test("formFile() refuses a body that is not a complete form with one file", async () => {
  const file = part('name="f"; filename="a"', "x");
  const field = part('name="note"', "x");
  const wrong: [body: Uint8Array, why: RegExp][] = [
    [form([]), /no file/],
    [form([field]), /no file/],
    [form([part('name="f"; filename=""', "")]), /no file/],
    [form([file, file]), /more than one file/],
    [form([file]).slice(0, -4), /is cut short/],
    [encode("id,name\n1,Ann\n"), /is cut short/],
    [new Uint8Array(), /is cut short/],
    [form([encode("Content-Type: text/csv\r\n\r\nx")]), /Content-Disposition/],
    [
      encode("--X\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n--Xy--"),
      /middle of a line/,
    ],
  ];
  for (const [body, why] of wrong) {
    for (const size of [1, 1000]) {
      const [status, sentence] = await refused(body, [size]);
      assertEquals(status, 400);
      assert(why.test(sentence), sentence);
    }
  }
  const coded = form([
    part('name="f"; filename="a"', "eA==", "Content-Transfer-Encoding: base64\r\n"),
  ]);
  assertEquals((await refused(coded))[0], 415);
});

Deno.test("formFile() limits the bytes around the file, wherever they are", async () => {
  const much = "m".repeat(MAX_AROUND + 1);
  const file = part('name="f"; filename="a"', "x");
  const wrong = [
    form([part('name="note"', much), file]),
    form([file, part('name="note"', much)]),
    form([part('name="f"; filename="a"', "x", `X-Much: ${much}\r\n`)]),
    concat([encode(much), form([file])]),
    concat([form([file]), encode(much)]),
    form(Array.from({ length: 3000 }, (_, n) => part(`name="n${n}"`, ""))),
  ];
  for (const body of wrong) assertEquals((await refused(body, [1000]))[0], 413);
  // The file itself has no such bound.
  const content = new Uint8Array(3 * MAX_AROUND);
  assertEquals((await read(form([part('filename="a"', content)]), [1000])).content, content);
});

Deno.test("formFile() stops reading a body that it refuses", async () => {
  for (const body of [form([]), form([part('filename="a"', "x"), part('filename="b"', "x")])]) {
    let left = false;
    const sent = async function* () {
      try {
        yield* chunks(body, [10]);
        // Never ends by itself.
        while (true) yield new Uint8Array(1000);
      } finally {
        left = true;
      }
    };
    await assertRejects(async () => {
      const { content } = await formFile(TYPE, sent());
      await Array.fromAsync(content);
    }, HttpError);
    assert(left);
  }
});

Deno.test("isForm() tells a form from a raw body, and refuses other multipart types", async () => {
  assert(isForm("Multipart/Form-Data; boundary=x"));
  for (const type of [null, "", "text/csv", "application/x-www-form-urlencoded"]) {
    assert(!isForm(type));
  }
  const { status } = await assertRejects(
    () => Promise.resolve().then(() => isForm("multipart/mixed; boundary=x")),
    HttpError,
  );
  assertEquals(status, 415);
});
