import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { HubEvent } from "../../../lib/feed/hub_event.ts";
import { type Topic, Topics } from "../../../lib/feed/topics.ts";
import { testEvent } from "../../helpers/journal.ts";

const name = fc.constantFrom("a", "b", "c");

const topic: fc.Arbitrary<Topic> = fc.oneof(
  fc.record({ ids: fc.uniqueArray(name, { minLength: 1 }) }),
  fc.record({ kind: name }),
  fc.record({ owner: name }),
  fc.record({ tag: name }),
  fc.record({ parent: fc.constantFrom("a", "p") }),
  fc.constantFrom("all" as const, "foreign" as const),
);

function picks(topic: Topic, { event, own }: HubEvent): boolean {
  if (topic === "all") return true;
  if (topic === "foreign") return !own;
  if ("ids" in topic) return topic.ids.includes(event.id);
  if ("kind" in topic) return topic.kind === event.kind;
  if ("parent" in topic) return topic.parent === "p" || topic.parent === event.id;
  return "owner" in topic ? topic.owner === "a" : ["b", "c"].includes(topic.tag);
}

/** The record in every event here: with an owner, two tags and a parent. */
const json = `{"task_id":"x","owner":"a","tags":["b","c"],"parent_id":"p"}`;

Deno.test("Topics.tell() calls each listener of an event exactly once, until the listener stops", () => {
  const step = fc.oneof(
    fc.record({ listen: topic }),
    fc.record({ stop: fc.nat(20) }),
    fc.record({ id: name, kind: name, own: fc.boolean() }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const topics = new Topics();
    const listeners: { topic: Topic; stop: () => void; stopped: boolean; heard: number }[] = [];
    const expectedOf = (event: HubEvent) =>
      listeners.map(({ topic, stopped }) => Number(!stopped && picks(topic, event)));
    const tell = (event: HubEvent) => {
      for (const each of listeners) each.heard = 0;
      topics.tell(event);
      assertEquals(listeners.map(({ heard }) => heard), expectedOf(event));
    };
    for (const step of steps) {
      if ("listen" in step) {
        const each = { topic: step.listen, heard: 0, stopped: false, stop: () => {} };
        const stop = topics.listen(step.listen, () => void each.heard++);
        each.stop = () => {
          each.stopped = true;
          stop();
        };
        listeners.push(each);
      } else if ("stop" in step) {
        // Stopping twice does no harm.
        listeners[step.stop]?.stop();
      } else {
        const event = new HubEvent(testEvent(1, { ...step, json }), step.own, () => "");
        tell(event);
        const wants = topics.wants(step.id, step.kind, step.own);
        // Before its labels are read, an event may be for any listener by label.
        const labeled = listeners.some(({ topic, stopped }) =>
          !stopped && typeof topic === "object" &&
          ("owner" in topic || "tag" in topic || "parent" in topic)
        );
        assertEquals(wants, labeled || expectedOf(event).includes(1));
      }
    }
    for (const { stop } of listeners) {
      stop();
      stop();
    }
    for (const id of ["a", "b", "c"]) {
      tell(new HubEvent(testEvent(1, { id, kind: id, json }), false, () => ""));
    }
    assertEquals(topics.size, 0);
  }));
});
