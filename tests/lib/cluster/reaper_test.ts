import { assert, assertEquals } from "@std/assert";
import { keys } from "../../../lib/kv/keys.ts";
import { storedTarget } from "../../../lib/task/notify.ts";
import { Outbox } from "../../../lib/webhooks/outbox.ts";
import { parseAllowed, Reach } from "../../../lib/webhooks/reach.ts";
import { Cluster, quiet, submit } from "../../helpers/cluster.ts";
import { receiver, SECRET } from "../../helpers/receiver.ts";

Deno.test("Reaper has a dead process's webhook delivery sent as soon as it knows of the death", async () => {
  await using cluster = await Cluster.open();
  await using to = receiver();
  const at = Date.now();
  // The clock stands still: a delivery that is taken stays so for ever.
  const now = () => at;
  const web = await cluster.join({ role: "web", now, leaseMs: 60_000 });
  const id = await submit(web, "k", { notify: [storedTarget({ url: to.url })] });
  await web.store.cancel(id);
  const { kv, journal } = web.store;
  const write = journal.write.bind(journal);
  const dead = new Outbox({ kv, sid: "dead", now, write, log: quiet });
  await kv.set(keys.session("dead"), { host: "", pid: 1, role: "all", started_at: "" });
  const { dues: [due] } = await dead.lines.due(1, null);
  assert(due && await dead.take(due));
  const webhooks = { secrets: [SECRET], reach: new Reach(parseAllowed(["127.0.0.1"])!) };
  await cluster.join({ now, leaseMs: 600, webhooks });
  await to.count(1);
  assertEquals(to.received[0]!.body.type, "task.canceled");
});
