/**
 * Submits a task and watches it, with the types of its kind. Needs a server (`deno task start`):
 *
 *     deno run --allow-net examples/watch.ts
 *
 * A project elsewhere imports the client from the server itself, types included:
 * `import { submit, watch } from "http://localhost:8000/client.js"`.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- it is a program

import { submit, upload, watch } from "headway/client";
import type { csvProfile } from "../lib/kinds/csv_profile.ts";

const base = Deno.args[0] ?? "http://localhost:8000";

const csv = "name,age\nAda,36\nGrace,85\nbroken\n";
const { upload_id } = await upload(csv, { base, name: "people.csv" });
const { task_id, token } = await submit<typeof csvProfile>(
  "csv-profile",
  { upload: upload_id },
  { base },
);

const task = watch<typeof csvProfile>(task_id, { base, token });
for await (const { type, data } of task) {
  if (type === "progress") console.log(`${data.status} ${data.progress ?? ""}`);
  if (type === "log") console.warn(data.message);
}

const end = await task.finished;
if (end.status === "completed") {
  const { rows, columns } = end.result;
  console.log(`${rows} rows: ${columns.map(({ name, type }) => `${name} is ${type}`).join(", ")}`);
}
