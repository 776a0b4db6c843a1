import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ROOT } from "../app/root.ts";
import { stayInPage } from "../app/route.ts";
import { strings } from "../i18n/strings.ts";
import { ScheduleCard } from "./schedule_card.tsx";
import { hasMore, loadError, loadMore, schedules, watchSchedules } from "./schedules_store.ts";
import { scheduleWords } from "./words.ts";

/** All schedules, with their next times, their outcomes, and buttons to pause or run them. */
export function SchedulesView(): JSX.Element {
  useEffect(watchSchedules, []);
  const words = scheduleWords();
  const all = schedules.value;
  return (
    <>
      <div class="list-head">
        <h1 tabIndex={-1}>{strings.schedules}</h1>
        <a class="button-quiet other-view" href={ROOT} onClick={stayInPage}>{words.tasks}</a>
      </div>
      {loadError.value !== null && <p class="problem" role="alert">{loadError.value}</p>}
      {all === null
        ? loadError.value === null && <p class="empty">{strings.loading}</p>
        : all.length === 0
        ? (
          <div class="empty empty-first">
            <h2>{words.none}</h2>
            <p>{words.noneHint}</p>
          </div>
        )
        : (
          <ul class="schedules">
            {all.map((schedule) => <ScheduleCard key={schedule.schedule_id} schedule={schedule} />)}
          </ul>
        )}
      {hasMore.value && (
        <button type="button" class="button" onClick={() => void loadMore()}>{words.more}</button>
      )}
    </>
  );
}
