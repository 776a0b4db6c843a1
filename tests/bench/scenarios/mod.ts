/**
 * All scenarios, in the order in which they run.
 *
 * @module
 */

import type { Scenario } from "../scenario.ts";
import { burst, clusterBurst } from "./burst.ts";
import { crash } from "./crash.ts";
import { clusterFan, fan1, fan20, fan4000, heavy } from "./fan.ts";
import { idle } from "./idle.ts";
import { restart } from "./restart.ts";
import { resume } from "./resume.ts";
import { rows, saves, step } from "./steps.ts";

export const scenarios: Scenario[] = [
  fan1,
  fan20,
  heavy,
  fan4000,
  saves,
  step,
  rows,
  burst,
  resume,
  idle,
  restart,
  crash,
  clusterFan,
  clusterBurst,
];
