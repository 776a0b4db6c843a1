import { assertEquals } from "@std/assert";
import type { KindInfo } from "../../../static/kinds/kinds_api.ts";
import { firstKind, kindGroups } from "../../../static/new_task/kind_choice.ts";

const UPLOAD = { type: "object", properties: { upload: { type: "string" } } };

const KINDS: KindInfo[] = [
  { kind: "checksum", description: null, input: UPLOAD, shipped: true },
  { kind: "csv-profile", description: null, input: UPLOAD, shipped: true },
  { kind: "demo", description: "Counts steps", input: null, shipped: true },
  { kind: "sync-customers", description: "Copies them from the CRM", input: null },
  { kind: "import-orders", description: null, input: UPLOAD },
  { kind: "import-part", description: "Of the CRM's copies", input: UPLOAD, hidden: true },
];

function names(file: File | null, text: string, kinds = KINDS): string[][] {
  const { own, shipped } = kindGroups(kinds, file, text);
  return [own, shipped].map((group) => group.map(({ kind }) => kind));
}

Deno.test("kindGroups() separates the operator's kinds from those that ship, and searches name and description", () => {
  assertEquals(names(null, ""), [
    ["import-orders", "sync-customers"],
    ["checksum", "csv-profile", "demo"],
  ]);
  assertEquals(names(null, " crm COP "), [["sync-customers"], []]);
  assertEquals(names(null, "nothing"), [[], []]);
  assertEquals(names(new File([], "a.csv"), ""), [["import-orders"], ["checksum", "csv-profile"]]);
});

Deno.test("firstKind() is the operator's first kind, otherwise the shipped one that fits the file", () => {
  const first = (file: File | null, kinds = KINDS) => firstKind(kindGroups(kinds, file, ""), file);
  assertEquals(first(null), "import-orders");
  assertEquals(first(new File([], "a.csv")), "import-orders");
  const shipped = KINDS.slice(0, 3);
  assertEquals(first(null, shipped), "demo");
  assertEquals(first(new File([], "a.TSV"), shipped), "csv-profile");
  assertEquals(first(new File([], "a.bin"), shipped), "checksum");
  assertEquals(first(null, []), undefined);
  // A kind that is unavailable is not chosen.
  assertEquals(first(null, [{ ...KINDS[4]!, unavailable: "failed" }, KINDS[3]!]), "sync-customers");
});
