import { assertEquals, assertThrows } from "@std/assert";
import { readOptions } from "./options.ts";
import { scaled, type Scenario, timing } from "./scenario.ts";
import type { System } from "./system.ts";

function system(name: string): System {
  return { name, start: () => Promise.reject(new Error("not started")) };
}

const fan: Scenario = {
  name: "fan",
  asks: "how long",
  ours: ({ name }) => [system(name)],
  peers: [system("BullMQ"), system("BullMQ, always")],
  columns: [],
  targets: [],
  run: () => Promise.reject(new Error("not run")),
};
const idle: Scenario = { ...fan, name: "idle", peers: [] };

const ROOT = new URL("../../", import.meta.url).pathname;

function asked(args: string[]): string[][] {
  const { ours, before, peers } = readOptions(args, [fan, idle]).asked(fan);
  return [ours, before, peers].map((systems) => systems.map(({ name }) => name));
}

Deno.test("readOptions() chooses Headway alone, unless an option names other systems", () => {
  assertEquals(asked([]), [["Headway"], [], []]);
  assertEquals(asked(["--peers"]), [["Headway"], [], ["BullMQ", "BullMQ, always"]]);
  assertEquals(asked(["--against", ROOT]), [["Headway"], ["before"], []]);
  assertEquals(asked(["--alone", "bullmq"]), [[], [], ["BullMQ"]]);
});

Deno.test("readOptions() takes three rounds for a comparison, and one for a quick look", () => {
  const rounds = (...args: string[]) => {
    const { rounds, look } = readOptions(args, [fan]);
    return [rounds, look];
  };
  assertEquals(rounds(), [1, false]);
  assertEquals(rounds("--peers"), [3, false]);
  assertEquals(rounds("--against", ROOT), [3, false]);
  assertEquals(rounds("--peers", "--quick"), [1, true]);
  assertEquals(rounds("--peers", "--seconds", "5", "--rounds", "2"), [2, true]);
  assertEquals(rounds("--scale", "0.1"), [1, true]);
});

Deno.test("readOptions() chooses scenarios by name, in the order they are named", () => {
  const { chosen } = readOptions(["--only", "idle,fan"], [fan, idle]);
  assertEquals(chosen.map(({ name }) => name), ["idle", "fan"]);
});

Deno.test("readOptions() names an invalid option, and says what would be valid", () => {
  const read = (...args: string[]) => () => readOptions(args, [fan, idle]);
  assertThrows(read("--only", "fans"), Error, "No scenario 'fans': fan, idle");
  assertThrows(read("--seconds", "0"), Error, "--seconds must be a number above 0");
  assertThrows(read("--rounds", "many"), Error, "--rounds must be a number above 0");
  assertThrows(read("--against", "/nowhere"), Error, "there is no main.ts in /nowhere");
});

Deno.test("scaled() and timing() make a quick look smaller and shorter, but never empty", () => {
  assertEquals([1, 0.1, 0.0001].map((scale) => scaled(1000, { scale })), [1000, 100, 1]);
  assertEquals(timing({}, 10), { warm: 8, measured: 10 });
  assertEquals(timing({ seconds: 5 }, 10), { warm: 2, measured: 5 });
});
