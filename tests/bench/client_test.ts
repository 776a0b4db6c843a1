import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EventScanner, messageStart, readRow, readStamp } from "./client/event_scanner.ts";
import { HttpDecoder } from "./client/http_decoder.ts";
import { Lateness } from "./client/lateness.ts";
import { stamp } from "./pace.mjs";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Passes `text` on in chunks, each in the middle of a larger buffer, as reads do. */
function inChunks(
  text: string,
  cuts: number[],
  push: (bytes: Uint8Array, from: number, to: number) => void,
): void {
  const bytes = encoder.encode(text);
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) =>
    a - b
  );
  for (let i = 1; i < at.length; i++) {
    const chunk = bytes.subarray(at[i - 1]!, at[i]!);
    const buffer = new Uint8Array(chunk.length + 6).fill(10);
    buffer.set(chunk, 3);
    push(buffer, 3, 3 + chunk.length);
  }
}

function decode(text: string, cuts: number[]): { bodies: string[]; status: number } {
  const bodies = [""];
  const http = new HttpDecoder({
    body: (bytes, from, to) =>
      bodies.push(bodies.pop()! + decoder.decode(bytes.subarray(from, to))),
    end: () => bodies.push(""),
  });
  inChunks(text, cuts, (bytes, from, to) => http.push(bytes, from, to));
  return { bodies, status: http.status };
}

Deno.test("HttpDecoder finds every body, however the reads cut them", () => {
  const text = "HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nfirst" +
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "6;name=value\r\nsecond\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: x\r\n\r\n" +
    "HTTP/1.1 204 No Content\r\n\r\n" +
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" +
    "HTTP/1.1 404 Not Found\r\n\r\nuntil the close";
  fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
    assertEquals(decode(text, cuts), {
      bodies: ["first", "secondabcdefghijklmnopqrstuvwxyz", "", "", "until the close"],
      status: 404,
    });
  }));
});

Deno.test("HttpDecoder throws a SyntaxError for bytes that are not HTTP", () => {
  assertThrows(() => decode("220 mail ready\r\n\r\n", []), SyntaxError, "no status line");
  assertThrows(
    () => decode("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz", []),
    SyntaxError,
    "chunk size",
  );
});

Deno.test("EventScanner finds every event, however the reads cut them", () => {
  const text = 'retry: 2317\n\n: hello\n\nid: 1\ndata: {"a":1}\n\n' +
    ": heartbeat\n\nid: 2\nevent: log\ndata: {}\n\n" +
    'id: 1795396895554-12\nevent: complete\ndata: {"b":""}\n\n' +
    "event: complete\nid: 1795396895:7\ndata: {}\n\nid: 9\ndata: unfinished";
  fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
    const found: unknown[] = [];
    const scanner = new EventScanner((bytes, { name, id, idPart, dataFrom, dataTo }) => {
      found.push([name, id, idPart, decoder.decode(bytes.subarray(dataFrom, dataTo))]);
    });
    inChunks(text, cuts, (bytes, from, to) => scanner.push(bytes, from, to));
    assertEquals(found, [
      ["", 1, 0, '{"a":1}'],
      ["log", 2, 0, "{}"],
      ["complete", 1795396895554, 12, '{"b":""}'],
      ["complete", 1795396895, 7, "{}"],
    ]);
  }));
});

Deno.test("readStamp() reads what stamp() writes, to the microsecond", () => {
  const before = performance.timeOrigin + performance.now();
  const json = encoder.encode(JSON.stringify({ done: 1, message: stamp(57), result: null }));
  const after = performance.timeOrigin + performance.now();
  const read = readStamp(json, messageStart(json, 0, json.length));
  assertEquals(read?.tick, 57);
  assertEquals(read!.time >= before - 0.001 && read!.time <= after + 0.001, true);
});

Deno.test("messageStart() is -1 without a message, and readStamp() is undefined without a stamp", () => {
  for (const text of ['{"message":null}', '{"messages":"1 2"}', ""]) {
    assertEquals(messageStart(encoder.encode(text), 0, text.length), -1);
  }
  for (const text of ['row 7"', '12"', '1.2.3 4"', '1.5 x"']) {
    assertEquals(readStamp(encoder.encode(text), 0), undefined);
  }
});

Deno.test("readRow() reads a row's number, and its time if it has one", () => {
  const read = (text: string) => {
    const found = readRow(encoder.encode(text), 0);
    return found && { ...found };
  };
  assertEquals(read('row 12","level":"info"}'), { time: 0, tick: 12 });
  assertEquals(read('row 1795396895554.104 57"'), { time: 1795396895554.104, tick: 57 });
  for (const text of ['12"', 'started again"', 'row x"', "row 12", ""]) {
    assertEquals(read(text), undefined);
  }
});

Deno.test("Lateness tells how far the steps fall behind their schedule, whatever its phase", () => {
  const onTime = new Lateness(10);
  for (let step = 40; step < 60; step++) onTime.add(step, 7037 + step * 100);
  assertEquals(onTime.most, 0);

  const slow = new Lateness(10);
  for (let step = 1; step <= 20; step++) slow.add(step, 500 + step * 110);
  assertEquals(Math.round(slow.most), 190);

  const late = new Lateness(10);
  for (const [step, time] of [[1, 400], [2, 500], [3, 510], [4, 610]] as const) {
    late.add(step, time);
  }
  assertEquals(late.most, 90, "the first steps were late, and the rest was made up for");
});
