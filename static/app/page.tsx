import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { route } from "./route.ts";
import { signedOut } from "./session.ts";
import { language, strings } from "../i18n/strings.ts";
import { DropArea } from "../new_task/drop_area.tsx";
import { Header } from "./header.tsx";
import { KindsAlarm } from "./kinds_alarm.tsx";
import { LoginView } from "./login_view.tsx";
import {
  KindHistory,
  NewTaskDialog,
  PauseDialog,
  PausedKinds,
  SchedulesView,
} from "./lazy_views.ts";
import { newTask } from "../new_task/new_task.ts";
import { lookedInto, pausedKinds, pausing } from "../kinds/pauses.ts";
import { active } from "../list/selection.ts";
import { TaskList } from "../list/task_list.tsx";
import { TaskView } from "../task/task_view.tsx";

/** Milliseconds after which the first view is taken to be loaded. */
const PREPARE_MS = 1000;

export function Page(): JSX.Element {
  return <Whole key={language.value} />;
}

function Whole(): JSX.Element {
  const { taskId, view } = route.value;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // Focuses the new view as a browser does for a new page; the first one is the browser's own
    // work. Back in the list, the focus goes to the row that was left.
    const row = taskId === null ? document.getElementById(`row-${active.peek()}`) : null;
    if (!first.current) (row ?? main.current!).focus({ preventScroll: true });
    first.current = false;
  }, [taskId, view]);
  useEffect(() => {
    // Fetches the dialog's code in advance, so that its button opens it at once.
    const timer = setTimeout(NewTaskDialog.prepare, PREPARE_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <>
      <a class="skip" href="#main">{strings.skipToContent}</a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        {!signedOut.value && <KindsAlarm />}
        {!signedOut.value && taskId === null && pausedKinds.value.length > 0 && <PausedKinds />}
        {signedOut.value
          ? <LoginView />
          : taskId === null
          ? view === undefined ? <TaskList /> : <SchedulesView />
          : <TaskView key={taskId} />}
      </main>
      {newTask.value !== null && <NewTaskDialog />}
      {lookedInto.value !== null && <KindHistory kind={lookedInto.value} />}
      {pausing.value !== null && <PauseDialog kind={pausing.value} />}
      <DropArea />
    </>
  );
}
