import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { route } from "./route.ts";
import { signedOut } from "./session.ts";
import { language, strings } from "../i18n/strings.ts";
import { DropArea } from "../new_task/drop_area.tsx";
import { Header } from "./header.tsx";
import { KindsAlarm } from "./kinds_alarm.tsx";
import { LoginView } from "./login_view.tsx";
import { NewTaskDialog } from "../new_task/new_task_dialog.tsx";
import { active } from "../list/selection.ts";
import { TaskList } from "../list/task_list.tsx";
import { TaskView } from "../task/task_view.tsx";

export function Page(): JSX.Element {
  return <Whole key={language.value} />;
}

function Whole(): JSX.Element {
  const { taskId } = route.value;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // As a browser does on a new page; its own first one it does by itself. Who comes back to the
    // list goes on at the task that they left.
    const row = taskId === null ? document.getElementById(`row-${active.peek()}`) : null;
    if (!first.current) (row ?? main.current!).focus({ preventScroll: true });
    first.current = false;
  }, [taskId]);
  return (
    <>
      <a class="skip" href="#main">{strings.skipToContent}</a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        {!signedOut.value && <KindsAlarm />}
        {signedOut.value
          ? <LoginView />
          : taskId === null
          ? <TaskList />
          : <TaskView key={taskId} />}
      </main>
      <NewTaskDialog />
      <DropArea />
    </>
  );
}
