/**
 * A real Chromium for the tests.
 *
 * It is the one at `CHROMIUM_PATH`, else one that is installed, else the one in the npm package
 * `@sparticuz/chromium`, which is fetched only then.
 *
 * @module
 */

import { type Browser, launch, type Page } from "puppeteer-core";
import "./built.ts";
import { HANG_MS } from "./deadline.ts";
import { tempDir } from "./temp_dir.ts";

/** Where distributions install Chromium. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
];

/**
 * Prints the path of the packaged Chromium. It runs in its own process, without the lock file:
 * whoever starts a server downloads what is in the lock file, and this is 70 MB.
 */
const PACKAGED = `
  import chromium from "npm:@sparticuz/chromium@153.0.0";
  console.log(await chromium.executablePath());
`;

/** Debian packages of the libraries that the packaged browser does not include. */
const LIBRARIES = ["libnss3", "libnspr4"];

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface OpenPageOptions {
  /** CSS pixels. @default {1280} */
  width?: number;
  /** CSS pixels. @default {800} */
  height?: number;
  /** The preferred color scheme. @default {"light"} */
  scheme?: "light" | "dark";
  /** The preferred languages, the most preferred first. @default {["en-US"]} */
  languages?: readonly string[];
  /** Whether the user prefers reduced motion. @default {true} */
  reducedMotion?: boolean;
}

/** A page that shares no cookies, cache or storage with other pages. Disposing of it closes it. */
export interface TestPage extends AsyncDisposable {
  readonly page: Page;
  /** Uncaught errors, calls of `console.error` and violations of the CSP. */
  readonly problems: string[];
}

export class TestBrowser implements AsyncDisposable {
  readonly browser: Browser;
  readonly #owned: AsyncDisposableStack;

  private constructor(browser: Browser, owned: AsyncDisposableStack) {
    this.browser = browser;
    this.#owned = owned;
  }

  /**
   * Starts Chromium with an empty profile.
   *
   * @param anyCertificate Whether to accept a certificate whoever signed it.
   * @throws {Error} If no Chromium is found, and none can be fetched.
   */
  static async launch({ anyCertificate = false } = {}): Promise<TestBrowser> {
    const executablePath = await findChromium();
    await using owned = new AsyncDisposableStack();
    const profile = owned.use(await tempDir());
    const browser = await launch({
      executablePath,
      headless: true,
      acceptInsecureCerts: anyCertificate,
      userDataDir: profile.path,
      args: FLAGS,
      timeout: HANG_MS,
      protocolTimeout: HANG_MS,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    owned.defer(() => browser.close());
    return new TestBrowser(browser, owned.move());
  }

  /** Opens a page at `url`; resolves when the document is loaded, which open streams do not delay. */
  async open(url: string, options: OpenPageOptions = {}): Promise<TestPage> {
    const { width = 1280, height = 800, scheme = "light", languages, reducedMotion = true } =
      options;
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.setDefaultTimeout(HANG_MS);
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: reducedMotion ? "reduce" : "no-preference" },
    ]);
    if (languages) await speak(page, languages);
    await page.goto(url, { waitUntil: "domcontentloaded" });
    return { page, problems, [Symbol.asyncDispose]: () => context.close() };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

/** Makes a page ask for these languages, in its requests and in its scripts. */
async function speak(page: Page, languages: readonly string[]): Promise<void> {
  const session = await page.createCDPSession();
  await session.send("Emulation.setUserAgentOverride", {
    userAgent: await page.browser().userAgent(),
    acceptLanguage: languages.join(),
  });
}

async function findChromium(): Promise<string> {
  const named = Deno.env.get("CHROMIUM_PATH");
  if (named) return named;
  for (const path of PLACES) if (await isFile(path)) return path;
  const path = (await output(Deno.execPath(), ["eval", "--no-lock", PACKAGED])).trim();
  if (path === "") {
    throw new Error("There is no Chromium, and none could be fetched: set CHROMIUM_PATH");
  }
  await requireLibraries(path);
  return path;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

/** Installs the libraries that the packaged browser lacks, if it can. */
async function requireLibraries(path: string): Promise<void> {
  if (!(await output("ldd", [path])).includes("not found")) return;
  const problem = `The packaged Chromium needs ${LIBRARIES.join(" and ")}`;
  if (Deno.uid() !== 0) throw new Error(`${problem}: install them, or set CHROMIUM_PATH`);
  await output("apt-get", ["update", "-qq"]);
  await output("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...LIBRARIES]);
  if ((await output("ldd", [path])).includes("not found")) throw new Error(problem);
}

async function output(command: string, args: string[]): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
