import { pack, unpack } from "../../../lib/kv/head.ts";
import { assertEquals } from "@std/assert";
import {
  isRewound,
  rewindOf,
  rewound,
  withCheckpoint,
  withOutput,
} from "../../../lib/task/rewind.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import type { Task } from "../../../lib/task/task.ts";

const SPEC = { id: "01J0000000000000000000TEST", kind: "k", maxAttempts: 1, priority: 0 };
const TASK = newTask({ ...SPEC, runAt: 0, timeoutMs: null }, 0);

Deno.test("rewindOf() takes back the outputs after the last checkpoint, and each only once", () => {
  const steps: [task: Task, after: number | null][] = [];
  const step = (task: Task) => {
    steps.push([task, rewindOf(task)]);
    return task;
  };
  let task = step(TASK);
  task = step(withOutput(task, 3));
  task = step(rewound(task, 0, 5));
  task = step(withOutput(task, 6));
  task = step(withCheckpoint(task, 7));
  task = step(withOutput(task, 8));
  task = step(withOutput(task, 9));
  task = step(rewound(task, 7, 12));
  assertEquals(steps.map(([, after]) => after), [null, 0, null, 0, null, 7, 7, null]);
  assertEquals(task.rewound, { after: 7, before: 12, left: true });
  assertEquals([task.checkpointed, task.deaths], [true, 0]);
});

Deno.test("unpack() counts the outputs of a head of an older version as saved before its checkpoint", () => {
  const { savedSeq: _saved, outputSeq: _output, ...older } = TASK;
  const saved = { ...older, checkpointed: true, record: { ...TASK.record, seq: 8 } };
  const task = unpack(pack(saved as Task, null, null));
  assertEquals(rewindOf(task), null);
  assertEquals(rewindOf(withOutput(task, 9)), 8);
  assertEquals(rewindOf(withOutput(unpack(pack(older as Task, null, null)), 9)), 0);
});

Deno.test("isRewound() is true for the outputs between the checkpoint and the rewind", () => {
  const { rewound: last } = rewound(TASK, 7, 12);
  assertEquals([6, 7, 8, 11, 12, 13].map((seq) => isRewound(seq, last)), [
    false,
    false,
    true,
    true,
    false,
    false,
  ]);
  assertEquals(isRewound(8, undefined), false);
});
