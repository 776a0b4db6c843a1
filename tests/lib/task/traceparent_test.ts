import { assertEquals } from "@std/assert";
import { readTraceparent, spanNameIn } from "../../../lib/task/traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

Deno.test("spanNameIn() reads a traceparent as its specification says, and nothing else", () => {
  const name = (traceFlags: number) => ({ traceId: TRACE, spanId: SPAN, traceFlags });
  assertEquals(spanNameIn(`00-${TRACE}-${SPAN}-01`), name(1));
  assertEquals(spanNameIn(`00-${TRACE}-${SPAN}-fe`), name(0));
  assertEquals(spanNameIn(`01-${TRACE}-${SPAN}-01`), name(1));
  assertEquals(spanNameIn(`fe-${TRACE}-${SPAN}-01-what-comes`), name(1));
  const bad: unknown[] = [
    undefined,
    null,
    1,
    "",
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-0`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `ff-${TRACE}-${SPAN}-01`,
    `01-${TRACE}-${SPAN}-01x`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `01-${TRACE}-${SPAN}-01-${"x".repeat(1000)}`,
  ];
  for (const text of bad) assertEquals(spanNameIn(text), null, String(text));
});

Deno.test("readTraceparent() converts a traceparent of any version to version 00", () => {
  assertEquals(readTraceparent(`01-${TRACE}-${SPAN}-ff-x`), `00-${TRACE}-${SPAN}-01`);
  assertEquals(readTraceparent("00"), undefined);
});
