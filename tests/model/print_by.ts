// deno-lint-ignore-file no-console -- what it is for

import fs from "node:fs";
import process from "node:process";
import type { Script } from "./script.ts";

/** Prints a line that consists of a nonce and the way of printing. */
export async function printBy(way: Exclude<Script["prints"], "">, nonce: string): Promise<void> {
  const line = `${nonce} by ${way}`;
  switch (way) {
    case "table":
      return console.table([{ line }]);
    case "stdout":
      process.stdout.write(line.slice(0, 2));
      return void process.stdout.write(`${line.slice(2)}\n`);
    case "timer":
      return void setTimeout(() => console.error(line));
    case "fd":
      return void fs.writeSync(1, `${line}\n`);
    case "program":
      return void await new Deno.Command("echo", { args: [line], stdout: "inherit" }).output();
    case "worker": {
      const program = `console.log(${JSON.stringify(line)}); postMessage(0);`;
      const worker = new Worker(`data:text/javascript,${encodeURIComponent(program)}`, {
        type: "module",
      });
      await new Promise((resolve) => worker.onmessage = resolve);
      return worker.terminate();
    }
  }
}
