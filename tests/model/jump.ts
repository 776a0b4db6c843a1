import { audit } from "./audit.ts";
import type { Reference } from "./reference.ts";
import { checkStartOrder } from "./start_order.ts";
import type { World } from "./world.ts";

/** Milliseconds that the server's clock may be off: less than the retention of tasks. */
const MAX_SHIFT = 3 * 24 * 3600_000;

/** Moves the server's clock by `ms`, unless it would then be off by more than {@link MAX_SHIFT}. */
export async function jump(ms: number, reference: Reference, world: World): Promise<void> {
  if (Math.abs(reference.shift + ms) > MAX_SHIFT) return;
  if (ms < 0) checkStartOrder(reference);
  reference.shift += ms;
  reference.jumped();
  await world.setClock(reference.shift);
  if (ms > 0) return;
  await audit(reference, world);
  reference.newEra();
}
