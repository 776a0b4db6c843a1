/**
 * The page: starts its parts and mounts it.
 *
 * @module
 */

import { effect } from "@preact/signals";
import { render } from "preact";
import { Page } from "./components/page.tsx";
import { startNotify } from "./notify.ts";
import { startRoute } from "./route.ts";
import { startSign } from "./sign.ts";
import { startStore } from "./store.ts";
import { language, LANGUAGES, startLanguage } from "./strings.ts";

startLanguage();
effect(() => void (document.documentElement.lang = LANGUAGES[language.value].locale));
startRoute();
startStore();
startSign();
startNotify();
const root = document.getElementById("page")!;
root.textContent = "";
render(<Page />, root);
