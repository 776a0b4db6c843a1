import { assertEquals } from "@std/assert";
import { MAX_LINE, readLine, tagLines } from "../../../lib/child/printed_line.ts";
import { Prints } from "../../../lib/child/prints.ts";

/** A `Prints` on a console and a file of its own. `as()` calls `work` as code of a run. */
function printing() {
  const printed: [number | null, string][] = [];
  const past: unknown[] = [];
  let run: number | null = null;
  const prints = new Prints({
    current: () => run,
    write: (text) => {
      for (const line of text.split("\n")) {
        if (line !== "") printed.push([readLine(line).run, readLine(line).line]);
      }
    },
  });
  const log = (...args: unknown[]) => void past.push(args);
  const console: Record<string, typeof log> = { log, table: log, group: log, count: log };
  prints.catchConsole(console);
  const file: Pick<typeof Deno.stdout, "write" | "writeSync"> = {
    write: () => Promise.resolve(0),
    writeSync: () => 0,
  };
  prints.catchFile(file);
  const as = (number: number | null, work: () => unknown) => {
    run = number;
    work();
    run = null;
  };
  return { prints, console, file, as, printed, past };
}

Deno.test("Prints marks each line with the run that printed it, and leaves prints of no run alone", () => {
  const { console, as, printed, past } = printing();
  as(1, () => console.group!("of one"));
  as(2, () => console.log!("a %s", "b", { x: 1 }));
  as(1, () => console.log!("two\nlines"));
  as(2, () => console.count!());
  as(null, () => console.log!("nobody's"));
  as(1, () => console.count!());
  assertEquals(printed, [
    [1, "of one"],
    [2, "a b { x: 1 }"],
    [1, "  two"],
    [1, "  lines"],
    [2, "default: 1"],
    [1, "  default: 1"],
  ]);
  assertEquals(past, [["nobody's"]]);
});

Deno.test("Prints joins the parts of a line, even if another run writes in between", () => {
  const { prints, file, as, printed } = printing();
  const bytes = new TextEncoder().encode("für");
  as(1, () => file.writeSync(bytes.subarray(0, 2)));
  as(2, () => file.writeSync(new TextEncoder().encode("other\nopen")));
  as(1, () => file.writeSync(bytes.subarray(2)));
  prints.end(1);
  prints.end(1);
  prints.end(2);
  assertEquals(printed, [[2, "other"], [1, "für"], [2, "open"]]);
});

Deno.test("Prints keeps only the beginning of a line that is too long", () => {
  const { prints, file, as, printed } = printing();
  const long = new TextEncoder().encode("x".repeat(3 * MAX_LINE));
  as(1, () => file.writeSync(long));
  as(1, () => file.writeSync(long));
  prints.end(1);
  assertEquals(printed, [[1, "x".repeat(MAX_LINE)]]);
});

Deno.test("readLine() finds a run only in a whole tag at the beginning of a line", () => {
  const [, tagged] = tagLines(7, ["text"]).split("\n");
  assertEquals(readLine(tagged!), { run: 7, line: "text" });
  for (const line of ["text", `x${tagged}`, "\u001e\u001ftext", "\u001e1e3\u001ftext", "\u001e7"]) {
    assertEquals(readLine(line), { run: null, line });
  }
});
