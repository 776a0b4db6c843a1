/**
 * Outputs are transactional with checkpoints: a run that starts again yields once more what came
 * after its last checkpoint. So its start takes those outputs back, and every output counts once.
 *
 * @module
 */

import type { Rewound, Task } from "./task.ts";

/** The task after an output. */
export function withOutput(task: Task, seq: number): Task {
  return { ...task, outputSeq: seq };
}

/** The task after a checkpoint: the outputs before it count for good. */
export function withCheckpoint(task: Task, seq: number): Task {
  return { ...task, checkpointed: true, deaths: 0, savedSeq: seq };
}

/** The `seq` after which a start takes back all outputs; `null` if there are none to take back. */
export function rewindOf({ outputSeq, savedSeq }: Task): number | null {
  return outputSeq > savedSeq ? savedSeq : null;
}

/** The task after a rewind: `seq` is the rewind's own. */
export function rewound(task: Task, after: number, seq: number): Task {
  return { ...task, outputSeq: after, rewound: { after, before: seq, left: true } };
}

/** Whether the last rewind took back the output with this `seq`. */
export function isRewound(seq: number, rewound: Rewound | undefined): boolean {
  return rewound !== undefined && seq > rewound.after && seq < rewound.before;
}
