/**
 * The page: mounts it, and keeps the document's title and language.
 *
 * @module
 */

import { effect } from "@preact/signals";
import { render } from "preact";
import { Page } from "./components/page.tsx";
import { percent } from "./format.ts";
import { route, startRoute } from "./route.ts";
import { startStore } from "./store.ts";
import { task } from "./task_store.ts";
import { language, LANGUAGES, startLanguage, strings } from "./strings.ts";

startLanguage();
startRoute();
startStore();
effect(() => {
  document.documentElement.lang = LANGUAGES[language.value].locale;
  const { record } = task.value;
  document.title = route.value.taskId === null || record === null ? strings.product : [
    record.status === "running" && record.progress !== null
      ? percent(record.progress)
      : strings.status[record.status],
    record.kind,
    strings.product,
  ].join(" · ");
});
render(<Page />, document.getElementById("page")!);
