/**
 * Outputs are transactional with checkpoints: a run that starts again yields once more what came
 * after its last checkpoint. So its start takes those outputs back, and every output counts once.
 *
 * @module
 */

import type { Rewound, Task } from "./task.ts";

/** The task once it has put something out. */
export function withOutput(task: Task, seq: number): Task {
  return { ...task, outputSeq: seq };
}

/** The task once it has saved: what it put out before counts for good. */
export function withCheckpoint(task: Task, seq: number): Task {
  return { ...task, checkpointed: true, deaths: 0, savedSeq: seq };
}

/** Behind which `seq` a start takes back what was put out; `null` where there is nothing to take back. */
export function rewindOf({ outputSeq, savedSeq }: Task): number | null {
  return outputSeq > savedSeq ? savedSeq : null;
}

/** The task behind a rewind, whose own `seq` is given. */
export function rewound(task: Task, after: number, seq: number): Task {
  return { ...task, outputSeq: after, rewound: { after, before: seq, left: true } };
}

/** Whether the output of a `seq` was taken back, as far as the last rewind tells. */
export function isRewound(seq: number, rewound: Rewound | undefined): boolean {
  return rewound !== undefined && seq > rewound.after && seq < rewound.before;
}
