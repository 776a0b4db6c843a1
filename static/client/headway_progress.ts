/**
 * `/headway-progress.js`: the element `<headway-progress task-id="…">`. See headway_progress.d.ts.
 *
 * @module
 */

import type { ConnectionState, TaskRecord, Token, Watch } from "./client.d.ts";
import { artifactLink, withToken } from "./progress/artifact_link.ts";
import { describe } from "./progress/describe.ts";
import { STYLE } from "./progress/style.ts";
import { watch } from "./watch.ts";

/** Milliseconds between two updates of the times that it shows. */
const TICK_MS = 1000;

/** The parts that show text, by their names. */
const TEXTS = ["label", "status", "percent", "amount", "time", "connection", "message"] as const;

/** The parts whose text comes from the task or the page, and may be in any language. */
const FOREIGN = ["label", "amount", "message"];

export class HeadwayProgress extends HTMLElement {
  static readonly observedAttributes = ["task-id", "src", "token", "lang", "label"];

  readonly #parts: Record<string, HTMLElement> = {};
  #watch: Watch | null = null;
  #token: Token | null = null;
  #restarts = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #record: TaskRecord | null = null;
  #cameAt = 0;
  #error: Error | null = null;
  #connection: ConnectionState["state"] = "idle";
  /** The artifacts that are shown, as JSON. */
  #artifacts = "";

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    // Not a style element, which a page's Content-Security-Policy may forbid.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const base = this.#part("base", "div");
    const head = this.#part("head", "div");
    const bar = this.#part("bar", "div");
    const foot = this.#part("foot", "div");
    for (const name of TEXTS) this.#part(name, name === "message" ? "div" : "span");
    for (const name of FOREIGN) {
      this.#parts[name]!.classList.add("text");
      this.#parts[name]!.dir = "auto";
    }
    const { label, status, percent, amount, time, connection, message } = this.#parts;
    set(bar, { "role": "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
    bar.append(this.#part("fill", "div"));
    const live = this.#part("live", "div");
    set(live, { role: "status" });
    head.append(label!, status!, percent!);
    foot.append(amount!, connection!, time!);
    const artifacts = this.#part("artifacts", "div");
    set(artifacts, { role: "list" });
    base.append(head, bar, foot, message!, artifacts, live);
    root.append(base);
  }

  get taskId(): string | null {
    return this.getAttribute("task-id");
  }

  set taskId(id: string | null) {
    if (id) this.setAttribute("task-id", id);
    else this.removeAttribute("task-id");
  }

  get token(): Token | null {
    return this.#token ?? this.getAttribute("token");
  }

  set token(token: Token | null) {
    this.#token = token;
    this.#restart();
  }

  get record(): TaskRecord | null {
    return this.#record;
  }

  connectedCallback(): void {
    this.#restart();
  }

  disconnectedCallback(): void {
    this.#stop();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name === "lang" || name === "label") this.#draw();
    else this.#restart();
  }

  #part(name: string, tag: "div" | "span"): HTMLElement {
    const part = document.createElement(tag);
    part.className = name;
    part.setAttribute("part", name);
    return this.#parts[name] = part;
  }

  /** Starts over, once for all changes that are made synchronously. */
  #restart(): void {
    if (this.#restarts) return;
    this.#restarts = true;
    queueMicrotask(() => {
      this.#restarts = false;
      this.#stop();
      this.#record = null;
      this.#error = null;
      this.#connection = "idle";
      this.#draw();
      if (!this.isConnected || !this.taskId) return;
      try {
        this.#start(this.taskId);
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  #start(id: string): void {
    // An earlier watch may still deliver an event.
    const mine = (run: () => void) => this.#watch === watched && run();
    const watched: Watch = watch(id, {
      base: this.getAttribute("src") ?? undefined,
      token: this.token ?? undefined,
      lastEventId: "",
      onconnection: ({ state }) =>
        mine(() => {
          this.#connection = state;
          this.#draw();
        }),
      onprogress: (record) => mine(() => this.#take("progress", record)),
      oncomplete: (record) => mine(() => this.#take("complete", record)),
      onerror: (error) => mine(() => this.#fail(error)),
    });
    this.#watch = watched;
    // Times count down between two events.
    this.#timer = setInterval(() => this.#draw(), TICK_MS);
  }

  #stop(): void {
    this.#watch?.close();
    this.#watch = null;
    clearInterval(this.#timer);
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#stop();
    this.#draw();
    this.dispatchEvent(new CustomEvent("error", { detail: error }));
  }

  #take(type: "progress" | "complete", record: TaskRecord): void {
    this.#record = record;
    this.#cameAt = Date.now();
    if (type === "complete") this.#stop();
    this.#draw();
    this.dispatchEvent(new CustomEvent(type, { detail: record }));
  }

  /** Makes links to the task's artifacts, when they have changed. */
  #drawArtifacts(): void {
    const { task_id, artifacts: made = [] } = this.#record ?? { task_id: "" };
    const list = this.#parts.artifacts!;
    const known = JSON.stringify([task_id, made]);
    if (this.#artifacts === known) return;
    this.#artifacts = known;
    list.hidden = made.length === 0;
    list.replaceChildren(...made.map(({ name }) => {
      const link = artifactLink(this.getAttribute("src") ?? undefined, task_id, name);
      // The token is read when the link is used, as it may have changed by then.
      link.addEventListener("click", (event) => {
        if (this.token === null) return;
        event.preventDefault();
        void withToken(link.href, this.token).then((url) => location.assign(url));
      });
      const item = document.createElement("span");
      set(item, { role: "listitem" });
      item.append(link);
      return item;
    }));
  }

  #draw(): void {
    const shown = describe({
      record: this.#record,
      cameAt: this.#cameAt,
      error: this.#error,
      connection: this.#connection,
      label: this.getAttribute("label"),
      language: this.closest<HTMLElement>("[lang]")?.lang || navigator.language,
    }, Date.now());
    const { base, bar, fill, foot, live } = this.#parts;
    for (const name of TEXTS) write(this.#parts[name]!, shown[name]);
    this.#drawArtifacts();
    foot!.hidden = !shown.amount && !shown.connection && !shown.time;
    const unknown = shown.value === null;
    base!.className = `base ${shown.state}${unknown ? " unknown" : ""}`;
    base!.lang = shown.locale;
    bar!.hidden = shown.state === "error";
    set(bar!, {
      "aria-label": shown.barLabel,
      "aria-valuenow": unknown ? null : String(Math.round(shown.value!)),
      "aria-valuetext": unknown ? null : shown.percent || null,
    });
    // Translated, not resized: that needs no layout, and its end stays round.
    fill!.style.transform = unknown ? "" : `translateX(${shown.value! - 100}%)`;
    if (live!.textContent !== shown.announce) live!.textContent = shown.announce;
    this.setAttribute("status", shown.state);
  }
}

/** Sets the text of an element, and hides the element if the text is empty. */
function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

function set(element: HTMLElement, attributes: Record<string, string | null>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }
}

if (!customElements.get("headway-progress")) {
  customElements.define("headway-progress", HeadwayProgress);
}
