/**
 * Views that are rarely the first to be seen: their code is loaded when they are first drawn.
 *
 * @module
 */

import { lazy } from "../ui/lazy.ts";

export const NewTaskDialog = lazy(async () =>
  (await import("../new_task/new_task_dialog.tsx")).NewTaskDialog
);
export const SignalForm = lazy(async () => (await import("../task/signal_form.tsx")).SignalForm);
export const TaskDeliveries = lazy(async () =>
  (await import("../task/task_deliveries.tsx")).TaskDeliveries
);
export const SchedulesView = lazy(async () =>
  (await import("../schedules/schedules_view.tsx")).SchedulesView
);
export const PausedKinds = lazy(async () =>
  (await import("../kinds/paused_kinds.tsx")).PausedKinds
);
export const KindHistory = lazy(async () =>
  (await import("../kinds/kind_history.tsx")).KindHistory
);
export const PauseDialog = lazy(async () =>
  (await import("../kinds/pause_dialog.tsx")).PauseDialog
);
export const StoreFacts = lazy(async () => (await import("./store_facts.tsx")).StoreFacts);
export const BulkBars = lazy(async () => (await import("../list/bulk_bars.tsx")).BulkBars);
