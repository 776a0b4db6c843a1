import { assertEquals } from "@std/assert";
import { formFields } from "../../../static/new_task/kind_form.ts";
import { namedUploads } from "../../../lib/task/named_uploads.ts";

const [A, B, C] = ["A", "B", "C"].map((end) => `01M8DKGMY8Z133694AP3Z6ZVN${end}`) as [
  string,
  string,
  string,
];

function named(input: unknown) {
  return namedUploads(JSON.stringify(input)).map(({ id, field }) => [id, field]);
}

Deno.test("namedUploads() finds uploads anywhere in an input, by a property name or the form of an id", () => {
  assertEquals(named({ upload: A }), [[A, "input.upload"]]);
  assertEquals(named({ upload: "01JD…" }), [["01JD…", "input.upload"]]);
  assertEquals(named({ files: [{ csv_upload: A }, { note: B }], text: `see ${C}` }), [
    [A, "input.files.0.csv_upload"],
    [B, null],
  ]);
  assertEquals(named({ uploads: [A, "x"], photoUploads: [B] }), [
    [A, "input.uploads.0"],
    ["x", "input.uploads.1"],
    [B, "input.photoUploads.0"],
  ]);
  // Each upload comes once, with the property that names it if there is one.
  assertEquals(named([A, A, { upload: A }]), [[A, "input.2.upload"]]);
  assertEquals(named(A), [[A, null]]);
  const others = [
    null,
    { upload: "" },
    { upload: null },
    { upload: 5 },
    { upload: { size: 5 } },
    { uploads: "daily" },
    { upload_id: "x" },
    { reupload: "x" },
    { id: A.toLowerCase() },
  ];
  for (const input of others) assertEquals(named(input), []);
  assertEquals(namedUploads(null), []);
});

Deno.test("namedUploads() takes inputs that are nested deeper than the stack allows", () => {
  const depth = 20_000;
  assertEquals(namedUploads(`${"[".repeat(depth)}"${A}"${"]".repeat(depth)}`).length, 1);
});

Deno.test("formFields() asks for a file for exactly the properties that namedUploads() takes for uploads", () => {
  for (
    const name of ["upload", "csv_upload", "csvUpload", "uploads", "reupload", "UPLOAD", "file"]
  ) {
    const [field] = formFields({ type: "object", properties: { [name]: { type: "string" } } });
    assertEquals(named({ [name]: "x" }).length > 0, field!.type === "file", name);
  }
});
