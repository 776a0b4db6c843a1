/**
 * The commands of a history.
 *
 * @module
 */

import fc from "fast-check";
import { timePasses } from "../helpers/deadline.ts";
import { auditStore } from "./audit_store.ts";
import { clients, connect, feeds, storms } from "./client_commands.ts";
import { type Command, command, hasTasks, number } from "./command.ts";
import { hooks } from "./hook_commands.ts";
import { jump } from "./jump.ts";
import { type Operation, perform } from "./operations.ts";
import { MODULES, type Reference } from "./reference.ts";
import { PLAIN } from "./script.ts";
import { openSchedules, schedules } from "./schedule_commands.ts";
import { setPause } from "./set_pause.ts";
import { NUDGE, shape } from "./shapes.ts";
import { LEASE_MS, type World } from "./world.ts";

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("submit" as const), shape }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("submit with a key" as const),
      shape,
      key: fc.nat({ max: 3 }),
      same: fc.constantFrom(true, true, false),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("submit with an upload" as const),
      shape,
      // One chunk, or two.
      size: fc.constantFrom(10, 70_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("debounce" as const),
      group: fc.nat({ max: 1 }),
      count: fc.integer({ min: 1, max: 4 }),
      together: fc.boolean(),
      large: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("run a schedule" as const), schedule: number }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...["cancel", "retry", "delete", "signal", "signal twice"] as const),
      task: number,
    }),
  },
);

function tell(it: Operation): string {
  const { do: name, ...more } = it;
  return `${name} ${JSON.stringify(more)}`;
}

const hasSchedules = (reference: Reference) => openSchedules(reference).length > 0;

const operations = operation.map((it) =>
  command(
    tell(it),
    (reference, world) => perform(it, reference, world, { alone: true }),
    "task" in it ? hasTasks : "schedule" in it ? hasSchedules : undefined,
  )
);

/** Ends the server, audits its database, and starts it again. */
async function restart(
  signal: "SIGKILL" | "SIGTERM",
  reference: Reference,
  world: World,
  asked: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await world.end(signal);
  await asked();
  auditStore(await world.stored(), reference, { clean: signal === "SIGTERM" });
  await world.start();
}

/**
 * More tasks of a kind than may run or start at once, so that most have to wait, even if the server
 * is killed meanwhile.
 */
const lines = fc.record({
  kind: fc.constantFrom("model-limited", "model-rated"),
  priorities: fc.array(fc.constantFrom(-5, 0, 0, 5), { minLength: 6, maxLength: 8 }),
  killed: fc.boolean(),
}).map(({ kind, priorities, killed }) =>
  command(
    `${priorities.length} tasks of ${kind} queue up: ${priorities}${killed ? "; SIGKILL" : ""}`,
    async (reference, world) => {
      const long = kind === "model-limited" ? { rows: 30, pause_ms: 15 } : {};
      const shape = { ...NUDGE, kind, input: { ...PLAIN, ...long } };
      for (const priority of priorities) {
        const submit: Operation = { do: "submit", shape: { ...shape, priority } };
        await perform(submit, reference, world, { alone: true });
      }
      if (killed) await restart("SIGKILL", reference, world);
    },
  )
);

/** Begins operations at once. The returned function waits for them, and throws the first failure. */
function begin(
  during: readonly Operation[],
  reference: Reference,
  world: World,
): () => Promise<void> {
  const asked = Promise.allSettled(
    during.map((it) => perform(it, reference, world, { alone: false })),
  );
  return async () => {
    for (const result of await asked) if (result.status === "rejected") throw result.reason;
  };
}

/** Operations at once, in the middle of which the server ends and starts again. */
const endings = fc.record({
  signal: fc.constantFrom("SIGKILL" as const, "SIGKILL" as const, "SIGTERM" as const),
  during: fc.array(operation, { maxLength: 3 }),
  after_ms: fc.nat({ max: 20 }),
}).map(({ signal, during, after_ms }) =>
  command(
    `${signal} after ${after_ms} ms of: ${during.map(tell).join("; ") || "nothing"}`,
    async (reference, world) => {
      const asked = begin(during, reference, world);
      await timePasses(after_ms);
      await restart(signal, reference, world, asked);
    },
  )
);

const processes = fc.subarray(Object.keys(MODULES), { minLength: 1 }).map((modules) =>
  command(`SIGKILL of the task processes of ${modules}`, async (reference, world) => {
    for (const module of modules) {
      const pids = await world.taskProcesses(module);
      reference.died(module, pids);
      world.killTasks(pids);
    }
    world.figures.deaths++;
  })
);

const freezes = fc.array(operation, { maxLength: 2 }).map((during) =>
  command(
    `SIGSTOP past the lease during: ${during.map(tell).join("; ") || "nothing"}`,
    async (reference, world) => {
      const asked = await world.freeze(async () => {
        const asked = begin(during, reference, world);
        await timePasses(1.5 * LEASE_MS);
        return asked;
      });
      await asked();
    },
  )
);

const jumps = fc.constantFrom(-1000, 1000, -90_000, 90_000, -3_660_000, 3_660_000, -108e6, 108e6)
  .map((ms) =>
    command(`the clock jumps by ${ms / 1000} s`, (reference, world) => jump(ms, reference, world))
  );

/** Pauses and resumes kinds on which no other command depends. */
const pausedKinds = fc.record({
  kind: fc.constantFrom("model-limited", "model-staged"),
  how: fc.constantFrom("pause", "resume", "resume"),
}).map(({ kind, how }) =>
  command(`${how} ${kind}`, async (reference, world) => {
    await setPause(kind, how, reference, world);
  })
);

const pauses = fc.integer({ min: 5, max: 120 })
  .map((ms) => command(`${ms} ms pass`, () => timePasses(ms)));

/** Every command, repeated by its weight. */
export const COMMANDS: fc.Arbitrary<Command>[] = [
  ...repeat(20, operations),
  ...repeat(2, lines),
  ...repeat(6, connect),
  ...repeat(8, clients),
  ...repeat(3, feeds),
  ...repeat(2, storms),
  ...repeat(4, endings),
  ...repeat(1, processes),
  ...repeat(1, freezes),
  ...repeat(3, jumps),
  ...repeat(2, pausedKinds),
  ...repeat(6, schedules),
  ...repeat(2, hooks),
  ...repeat(5, pauses),
];

function repeat<T>(times: number, it: T): T[] {
  return Array.from({ length: times }, () => it);
}
