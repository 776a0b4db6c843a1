/**
 * The script of the page: starts its parts and renders it.
 *
 * @module
 */

import { effect } from "@preact/signals";
import { render } from "preact";
import { Page } from "./app/page.tsx";
import { startNotify } from "./app/notify.ts";
import { startRoute } from "./app/route.ts";
import { startSign } from "./app/sign.ts";
import { startStore } from "./app/store.ts";
import { language, LANGUAGES, startLanguage } from "./i18n/strings.ts";

startLanguage();
effect(() => void (document.documentElement.lang = LANGUAGES[language.value].locale));
startRoute();
startStore();
startSign();
startNotify();
const root = document.getElementById("page")!;
root.textContent = "";
render(<Page />, root);
