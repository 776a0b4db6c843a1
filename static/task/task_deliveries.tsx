import { effect, untracked, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { type DeliveryInfo, getDeliveries, resendDelivery } from "./task_api.ts";
import { connection, hidden, knownUntil } from "../app/connection.ts";
import { may } from "../app/session.ts";
import { clockTime, duration, fullTime, number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { useAction } from "../ui/use_action.ts";
import { told } from "./task_details.ts";

/** Deliveries shown at first: the newest. */
const FEW = 6;

/** Milliseconds between two requests while a delivery waits: deliveries make no events of the task. */
const ASK_MS = 2000;

/** The step of the timeline that looks the same. */
const LOOKS = { waiting: "retrying", delivered: "completed", given_up: "failed" } as const;

interface Props {
  id: string;
}

/** The deliveries of webhooks for the task; each can be sent again. */
export function TaskDeliveries({ id }: Props): JSX.Element | null {
  const shown = useSignal<readonly DeliveryInfo[]>([]);
  const asked = useSignal(0);
  const whole = useSignal(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const ask = async () => {
      clearTimeout(timer);
      try {
        const { deliveries } = await getDeliveries(id);
        if (!stopped) shown.value = deliveries.toReversed();
      } catch {
        // The task is gone, or the server unreachable: the page learns that from the feed.
      }
      clearTimeout(timer);
      const waits = shown.peek().some(({ state }) => state === "waiting");
      if (waits && !stopped && !hidden.peek()) timer = setTimeout(ask, ASK_MS);
    };
    const stopWatching = effect(() => {
      const asks = asked.value >= 0 && told.value !== null;
      if (asks && !hidden.value && connection.value === "live") untracked(() => void ask());
      else clearTimeout(timer);
    });
    return () => {
      stopped = true;
      clearTimeout(timer);
      stopWatching();
    };
  }, [id]);
  const all = shown.value;
  if (all.length === 0) return null;
  const left = whole.value || all.length <= FEW + 1 ? 0 : all.length - FEW;
  return (
    <section class="card side-card timeline-card deliveries">
      <div class="section-head">
        <h2>{strings.deliveries.title}</h2>
      </div>
      {left > 0 && (
        <button
          type="button"
          class="link timeline-more"
          onClick={() => whole.value = true}
        >
          {strings.earlierSteps(number(left))}
        </button>
      )}
      <ol class="timeline">
        {all.slice(left).map((it) => (
          <Entry
            key={it.n}
            id={id}
            delivery={it}
            onsent={() => asked.value++}
          />
        ))}
      </ol>
    </section>
  );
}

interface EntryProps extends Props {
  delivery: DeliveryInfo;
  /** Called when the delivery was sent again. */
  onsent: () => void;
}

function Entry({ id, delivery, onsent }: EntryProps): JSX.Element {
  const { n, event, origin, state, tries, created_at, attempts } = delivery;
  const again = useAction(async () => {
    await resendDelivery(id, n);
    onsent();
  });
  const error = state === "delivered" ? null : attempts.at(-1)?.error ?? null;
  const name = eventText(event);
  return (
    <li class={`step step-${LOOKS[state]}${state === "waiting" ? " step-now" : ""}`}>
      <span class="step-name">{name}</span>{" "}
      {tries > 0 && <span class="step-took">{strings.deliveries.tries(number(tries))}</span>}{" "}
      <time class="step-at" dateTime={created_at} title={fullTime(created_at)}>
        {clockTime(created_at)}
      </time>
      <span class="delivery-target">
        <span>
          {strings.deliveries.states[state]} · <bdi>{URL.parse(origin)?.host ?? origin}</bdi>
        </span>
        {may("admin") && (
          <button
            type="button"
            class="link"
            aria-label={strings.deliveries.againOf(name, number(n))}
            aria-disabled={again.busy}
            onClick={again.run}
          >
            {strings.deliveries.again}
          </button>
        )}
      </span>
      {error !== null && (
        <span class="step-error text">
          {error}
          <NextTry delivery={delivery} />
        </span>
      )}
      {again.error && <span class="step-error" role="alert">{again.error.message}</span>}
    </li>
  );
}

/** A component of its own, so that the clock redraws nothing else. */
function NextTry({ delivery: { next_try_at } }: Pick<EntryProps, "delivery">): JSX.Element | null {
  if (next_try_at === null) return null;
  const left = Math.max(0, Date.parse(next_try_at) - knownUntil.value);
  return <span class="delivery-next">{strings.deliveries.next(duration(left))}</span>;
}

function eventText(event: DeliveryInfo["event"]): string {
  if (event === "started") return strings.status.running;
  return event === "retrying" ? strings.retrying : strings.status[event];
}
