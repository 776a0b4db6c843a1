import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type Config, ConfigError } from "../../../lib/config/config.ts";
import { configHelp, readConfig } from "../../../lib/config/read_config.ts";
import { VARIABLES } from "../../../lib/config/variables.ts";
import { digestOf } from "../../../lib/http/tokens.ts";

/** A variable: its field, its default, valid texts with their values, and invalid texts. */
interface Case {
  field: keyof Config;
  fallback: unknown;
  good: Record<string, unknown>;
  bad?: string[];
}

const notWhole = ["x", "-1", "1.5", "1e3", "0x10", "NaN", "Infinity", "9007199254740993"];
const ROOT = new URL("../../../", import.meta.url);
const cwd = Deno.cwd();

const SIGNS = `whsec_${new Uint8Array(24).fill(1).toBase64()}`;
const SIGNS_TOO = `whsec_${new Uint8Array(64).fill(2).toBase64()}`;

const CASES: Record<string, Case> = {
  HEADWAY_HOST: { field: "host", fallback: "127.0.0.1", good: { "::1": "::1" } },
  HEADWAY_PORT: {
    field: "port",
    fallback: 8000,
    good: { "0": 0, "65535": 65535, " 80 ": 80 },
    bad: [...notWhole, "65536"],
  },
  HEADWAY_BASE_PATH: {
    field: "basePath",
    fallback: "",
    good: { "/": "", "/jobs": "/jobs", "/jobs/": "/jobs", "/a/b-c_d.e~/1": "/a/b-c_d.e~/1" },
    bad: [
      "jobs",
      "//",
      "//jobs",
      "/jobs//",
      "/a//b",
      "/..",
      "/a/./b",
      "/a b",
      "/a?b",
      "/a#b",
      "/a;b",
    ]
      .concat(["/ü", "/%41", "/a\\b", "https://x.example/jobs", `/${"a".repeat(200)}`]),
  },
  HEADWAY_TLS_CERT: {
    field: "tlsCert",
    fallback: null,
    good: { "/etc/cert.pem": "/etc/cert.pem", "c.pem": `${cwd}/c.pem` },
  },
  HEADWAY_TLS_KEY: { field: "tlsKey", fallback: null, good: { "k.pem": `${cwd}/k.pem` } },
  HEADWAY_OPS_PORT: {
    field: "opsPort",
    fallback: null,
    good: { "0": 0, "9000": 9000 },
    bad: [...notWhole, "65536"],
  },
  HEADWAY_KV: {
    field: "kv",
    fallback: `${cwd}/.headway/headway.db`,
    good: {
      "/data/x.db": "/data/x.db",
      "x.db": `${cwd}/x.db`,
      ":memory:": ":memory:",
      "https://kv.example/": "https://kv.example/",
    },
    bad: ["redis://localhost", "ftp://x"],
  },
  HEADWAY_ROLE: {
    field: "role",
    fallback: "all",
    good: { web: "web", worker: "worker", all: "all" },
    bad: ["Web", "both"],
  },
  HEADWAY_KINDS: {
    field: "kinds",
    fallback: [],
    good: {
      "/a b/kinds.ts, k.ts,,": ["file:///a%20b/kinds.ts", `file://${cwd}/k.ts`],
      "https://x.example/k.ts": ["https://x.example/k.ts"],
      "file:///k.ts": ["file:///k.ts"],
    },
  },
  HEADWAY_SHIPPED_KINDS: {
    field: "shippedKinds",
    fallback: true,
    good: { "0": false, "1": true },
    bad: ["no", "false", "2"],
  },
  HEADWAY_TASK_PROCESSES: {
    field: "taskProcesses",
    fallback: 1,
    good: { "0": 0, "256": 256 },
    bad: [...notWhole, "257"],
  },
  HEADWAY_CONCURRENCY: {
    field: "concurrency",
    fallback: 1000,
    good: { "1": 1 },
    bad: [...notWhole, "0", "100001"],
  },
  HEADWAY_LOAD_MS: {
    field: "loadMs",
    fallback: 60_000,
    good: { "100": 100, "3600000": 3_600_000 },
    bad: [...notWhole, "99", "3600001"],
  },
  HEADWAY_TASK_PERMISSIONS: {
    field: "taskPermissions",
    fallback: ["--allow-net", `--allow-read=${ROOT.pathname.replace(/\/$/, "")}`],
    good: {
      "-A": ["-A"],
      "--allow-net=a:1,b --deny-read  -R=/x": ["--allow-net=a:1,b", "--deny-read", "-R=/x"],
      [`--allow-read='/my data',/x "-R=/my tasks"`]: ["--allow-read=/my data,/x", "-R=/my tasks"],
    },
    bad: ["net", `-R="/x`, "--unstable-kv", "--allow-net script.ts", "--config=x"],
  },
  HEADWAY_HEARTBEAT_MS: { field: "heartbeatMs", fallback: 15_000, good: { "0": 0 }, bad: notWhole },
  HEADWAY_STREAM_LIFE_MS: {
    field: "streamLifeMs",
    fallback: 600_000,
    good: { "0": 0, "1": 1 },
    bad: notWhole,
  },
  HEADWAY_RETRY_MS: {
    field: "retryMs",
    fallback: 2000,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_LEASE_MS: {
    field: "leaseMs",
    fallback: 3000,
    good: { "100": 100 },
    // A timer of more than 24 days would fire at once, again and again.
    bad: [...notWhole, "99", "3600001"],
  },
  HEADWAY_DRAIN_MS: {
    field: "drainMs",
    fallback: 10_000,
    good: { "0": 0, "25000": 25_000 },
    bad: [...notWhole, "3600001"],
  },
  HEADWAY_MAX_STREAMS: {
    field: "maxStreams",
    fallback: 10_000,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_MAX_STREAMS_PER_CLIENT: {
    field: "maxStreamsPerClient",
    // A tenth of the default of HEADWAY_MAX_STREAMS.
    fallback: 1000,
    good: { "0": 0, "6": 6 },
    bad: notWhole,
  },
  HEADWAY_STREAM_QUEUE: {
    field: "streamQueue",
    fallback: 256,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_MAX_BODY: {
    field: "maxBody",
    fallback: 1024 ** 2,
    good: { "1": 1 },
    bad: [...notWhole, "0", "1MB"],
  },
  HEADWAY_BODY_TIMEOUT_MS: {
    field: "bodyTimeoutMs",
    fallback: 30_000,
    good: { "1": 1 },
    bad: ["0", "-1", "30s", "2147483648"],
  },
  HEADWAY_MAX_UPLOAD: {
    field: "maxUpload",
    fallback: 100 * 1024 ** 2,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_UPLOAD_QUOTA: {
    field: "uploadQuota",
    fallback: 10 * 1024 ** 3,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_MAX_ARTIFACT: {
    field: "maxArtifact",
    fallback: 1024 ** 3,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_MAX_ARTIFACTS: {
    field: "maxArtifacts",
    fallback: 100,
    good: { "0": 0, "100": 100 },
    bad: [...notWhole, "101"],
  },
  HEADWAY_ARTIFACT_QUOTA: {
    field: "artifactQuota",
    fallback: 10 * 1024 ** 3,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_MIN_FREE: {
    field: "minFree",
    fallback: 256 * 1024 ** 2,
    good: { "0": 0 },
    bad: notWhole,
  },
  HEADWAY_MAX_SCHEDULES: {
    field: "maxSchedules",
    fallback: 1000,
    good: { "0": 0, "10000": 10_000 },
    bad: [...notWhole, "10001"],
  },
  HEADWAY_RETENTION_MS: {
    field: "retentionMs",
    fallback: 7 * 24 * 3600_000,
    good: { "0": 0 },
    bad: notWhole,
  },
  HEADWAY_RETENTION_COMPLETED_MS: {
    field: "retentionCompletedMs",
    fallback: 7 * 24 * 3600_000,
    good: { "0": 0 },
    bad: notWhole,
  },
  HEADWAY_RETENTION_FAILED_MS: {
    field: "retentionFailedMs",
    fallback: 7 * 24 * 3600_000,
    good: { "0": 0 },
    bad: notWhole,
  },
  HEADWAY_RETENTION_CANCELED_MS: {
    field: "retentionCanceledMs",
    fallback: 7 * 24 * 3600_000,
    good: { "0": 0 },
    bad: notWhole,
  },
  HEADWAY_MAX_KEEP_MS: {
    field: "maxKeepMs",
    fallback: 365 * 24 * 3600_000,
    good: { "0": 0 },
    bad: notWhole,
  },
  HEADWAY_MAX_LOG: { field: "maxLog", fallback: 10_000, good: { "1": 1 }, bad: [...notWhole, "0"] },
  HEADWAY_MAX_LOG_BYTES: {
    field: "maxLogBytes",
    fallback: 64 * 1024 ** 2,
    good: { "65536": 65_536 },
    bad: [...notWhole, "65535"],
  },
  HEADWAY_MAX_OUTPUT: {
    field: "maxOutput",
    fallback: 100_000,
    good: { "1": 1 },
    bad: [...notWhole, "0"],
  },
  HEADWAY_MAX_OUTPUT_BYTES: {
    field: "maxOutputBytes",
    fallback: 64 * 1024 ** 2,
    good: { "65536": 65_536 },
    bad: [...notWhole, "65535"],
  },
  HEADWAY_TOKENS: {
    field: "tokens",
    fallback: [],
    good: {
      "ci:submit:0123456789abcdef, me:admin:fedcba9876543210": [
        {
          name: "ci",
          scopes: ["submit"],
          digest: digestOf("0123456789abcdef"),
          guessable: true,
        },
        {
          name: "me",
          scopes: ["admin", "submit", "read"],
          digest: digestOf("fedcba9876543210"),
          guessable: true,
        },
      ],
    },
  },
  HEADWAY_TOKENS_FILE: {
    field: "tokensFile",
    fallback: null,
    good: { "/run/tokens": "/run/tokens", "tokens": `${cwd}/tokens` },
  },
  HEADWAY_WEBHOOK_SECRET: {
    field: "webhookSecret",
    fallback: [],
    good: { [`${SIGNS}, ${SIGNS_TOO}`]: [SIGNS, SIGNS_TOO], [` ${SIGNS} `]: [SIGNS] },
  },
  HEADWAY_WEBHOOK_ALLOW: {
    field: "webhookAllow",
    fallback: [],
    good: { "hooks.internal, 10.0.0.0/8,[::1]": ["hooks.internal", "10.0.0.0/8", "[::1]"] },
    bad: ["10.0.0.0/33", "127.1", "http://a", "a:80", "*.a"],
  },
  HEADWAY_INSECURE: {
    field: "insecure",
    fallback: false,
    good: { "1": true, "0": false },
    bad: ["true", "yes", "2"],
  },
  HEADWAY_HOSTS: {
    field: "hosts",
    fallback: [],
    good: { "X.example, y": ["x.example", "y"], "[::1]": ["[::1]"] },
    bad: ["x:80", "http://x", "a b", "x/y", "u@x"],
  },
  HEADWAY_ORIGINS: {
    field: "origins",
    fallback: [],
    good: { "https://x.example,http://y:81": ["https://x.example", "http://y:81"], "*": ["*"] },
    bad: ["x.example", "https://x.example/", "null", "https://x:443", "https://*.example"],
  },
  HEADWAY_TRUST_PROXY: {
    field: "trustProxy",
    fallback: false,
    good: { "1": true, "0": false },
    bad: ["true"],
  },
  HEADWAY_TASK_TOKEN_MS: {
    field: "taskTokenMs",
    fallback: 3_600_000,
    good: { "1000": 1000 },
    bad: [...notWhole, "999"],
  },
  HEADWAY_SESSION_MS: {
    field: "sessionMs",
    fallback: 12 * 3_600_000,
    good: { "1000": 1000 },
    bad: [...notWhole, "999"],
  },
  HEADWAY_WRITE_RATE: { field: "writeRate", fallback: 0, good: { "5": 5 }, bad: notWhole },
  HEADWAY_LOG: {
    field: "log",
    fallback: { level: "info", pretty: false },
    good: {
      debug: { level: "debug", pretty: false },
      off: { level: "off", pretty: false },
      pretty: { level: "info", pretty: true },
    },
    bad: ["Info", "trace"],
  },
};

function read(settings: Record<string, string>): Config {
  return readConfig((name) => settings[name]);
}

Deno.test("readConfig() has a default for every variable, and uses it for a blank one", () => {
  const defaults = Object.fromEntries(
    Object.values(CASES).map(({ field, fallback }) => [field, fallback]),
  );
  assertEquals({ ...read({}) } as Record<string, unknown>, defaults);
  const blank = Object.fromEntries(Object.keys(CASES).map((name) => [name, "  "]));
  assertEquals({ ...read(blank) } as Record<string, unknown>, defaults);
});

for (const [name, { field, good, bad = [] }] of Object.entries(CASES)) {
  Deno.test(`readConfig() reads ${name}, and names it when it is wrong`, () => {
    for (const [text, value] of Object.entries(good)) {
      assertEquals<unknown>(read({ [name]: text })[field], value);
    }
    for (const text of bad) {
      const { message } = assertThrows(() => read({ [name]: text }), ConfigError);
      assert(message.startsWith(`${name} must be `), message);
      assertStringIncludes(message, JSON.stringify(text));
    }
  });
}

Deno.test("readConfig() says what is wrong with HEADWAY_WEBHOOK_SECRET, and never the secret", () => {
  const bytes = (length: number) => `whsec_${new Uint8Array(length).fill(3).toBase64()}`;
  const wrong = [
    "secret",
    bytes(23),
    bytes(65),
    bytes(24).replace("whsec_", ""),
    `${bytes(24)}!`,
    `${bytes(24)} x`,
    Array(5).fill(bytes(24)).join(),
  ];
  for (const text of wrong) {
    const { message } = assertThrows(() => read({ HEADWAY_WEBHOOK_SECRET: text }), ConfigError);
    assertEquals(
      message,
      "HEADWAY_WEBHOOK_SECRET must be 'whsec_' and the base64 of 24 to 64 bytes; " +
        "at most 4, separated by spaces",
    );
  }
});

Deno.test("readConfig() says what is wrong with HEADWAY_TOKENS, and never the secret", () => {
  const secret = "0123456789abcdef";
  const wrong: [text: string, why: string][] = [
    [secret, "entry 1 is not name:scope[+scope][@owner]:secret"],
    [`a:read:${secret},b:read`, "entry 2 is not"],
    [`a:read:${secret.slice(1)}`, "the secret of 'a' is shorter than 16 characters"],
    [`a:write:${secret}`, "'a' has an unknown scope: the scopes are admin, submit, read"],
    [`a:read+:${secret}`, "'a' has an unknown scope"],
    [`a:read:${secret},a:submit:${secret}x`, "the name 'a' is used twice"],
    [`a:read:${secret},b:submit:${secret}`, "the secret of 'b' is also another token's"],
    [`a:read:${secret} ${secret}`, "entry 1 is not"],
    [`a:read@:${secret}`, "entry 1 is not"],
    [`a:read@${"o".repeat(129)}:${secret}`, "the owner of 'a' is longer than 128 characters"],
    [",", "there is no token in it"],
  ];
  for (const [text, why] of wrong) {
    const { message } = assertThrows(() => read({ HEADWAY_TOKENS: text }), ConfigError);
    assertStringIncludes(message, why);
    assert(!message.includes(secret.slice(1)), message);
  }
});

/** The variables that can also be set by an old name, by that name. */
const RENAMED: Record<string, string> = { HEADWAY_WORKERS: "HEADWAY_TASK_PROCESSES" };

/** A configuration, and the warnings about its settings. */
function readWarned(settings: Record<string, string>): [Config, string[]] {
  const warnings: string[] = [];
  return [readConfig((name) => settings[name], (sentence) => warnings.push(sentence)), warnings];
}

for (const [oldName, name] of Object.entries(RENAMED)) {
  const { field, good, bad = [] } = CASES[name]!;

  Deno.test(`readConfig() reads ${name} by its old name ${oldName}, and warns once`, () => {
    for (const [text, value] of Object.entries(good)) {
      const [config, warnings] = readWarned({ [oldName]: text });
      assertEquals<unknown>(config[field], value);
      assertEquals(warnings, [`${oldName} is now called ${name}: rename it, the old name will go`]);
    }
    for (const text of bad) {
      const { message } = assertThrows(() => read({ [oldName]: text }), ConfigError);
      assert(message.startsWith(`${name} must be `), message);
      assert(message.endsWith(` (its old name is ${oldName})`), message);
    }
    assertStringIncludes(configHelp(), `(was ${oldName})`);
  });

  Deno.test(`readConfig() prefers ${name} if ${oldName} is set too, and warns of that`, () => {
    const [[text, value], [other]] = Object.entries(good) as [[string, unknown], [string]];
    const [config, warnings] = readWarned({ [name]: text, [oldName]: other });
    assertEquals<unknown>(config[field], value);
    assertEquals(warnings, [`${oldName} is ignored: it is now called ${name}, which is set too`]);
    // A blank variable counts as not set.
    assertEquals(readWarned({ [name]: " ", [oldName]: text })[0][field], value);
    assertEquals(readWarned({ [name]: text, [oldName]: " " })[1], []);
  });
}

Deno.test("readConfig() knows no old names but those that are tested here", () => {
  const renamed = VARIABLES.flatMap(({ name, oldName }) => oldName ? [[oldName, name]] : []);
  assertEquals(Object.fromEntries(renamed), RENAMED);
});

Deno.test("readConfig() warns of nothing if no old name is used", () => {
  const settings = Object.fromEntries(
    Object.entries(CASES).map(([name, { good }]) => [name, Object.keys(good)[0]!]),
  );
  assertEquals(readWarned(settings)[1], []);
});

Deno.test("readConfig() adapts the host, the store and the task processes to Deno Deploy", () => {
  const there = { DENO_DEPLOYMENT_ID: "x", HEADWAY_HOST: "127.0.0.1" };
  const { host, kv, taskProcesses } = read(there);
  assertEquals([host, kv, taskProcesses], ["0.0.0.0", "", 0]);
  const HEADWAY_KV = "https://kv.example";
  for (const name of ["HEADWAY_TASK_PROCESSES", "HEADWAY_WORKERS"]) {
    const own = read({ ...there, HEADWAY_KV, [name]: "2" });
    assertEquals([own.kv, own.taskProcesses], [HEADWAY_KV, 2]);
  }
});

Deno.test("readConfig() lets task processes read the folders of the user's kinds", () => {
  const { taskPermissions } = read({ HEADWAY_KINDS: "/my tasks/kinds.ts,https://x.example/k.ts" });
  assertEquals(taskPermissions, [
    "--allow-net",
    `--allow-read=${ROOT.pathname.replace(/\/$/, "")},/my tasks`,
  ]);
  // No flag can name the second folder, as it has a comma.
  const others = read({ HEADWAY_KINDS: "file:///100%25%20%E9%A1%B9%23/k.ts,file:///a%2Cb/k.ts" });
  assertEquals(others.taskPermissions[1]!.split(",").slice(1), ["/100% 项#"]);
});

Deno.test("readConfig() uses HEADWAY_RETENTION_MS for each status without a setting of its own", () => {
  const { retentionCompletedMs, retentionFailedMs, retentionCanceledMs } = read({
    HEADWAY_RETENTION_MS: "5",
    HEADWAY_RETENTION_FAILED_MS: "6",
  });
  assertEquals([retentionCompletedMs, retentionFailedMs, retentionCanceledMs], [5, 6, 5]);
});

Deno.test("readConfig() returns a whole configuration or throws a ConfigError, whatever the text", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(CASES)),
      fc.string({ unit: "binary" }),
      (name, text) => {
        try {
          assertEquals(Object.keys(read({ [name]: text })).length, Object.keys(CASES).length);
        } catch (error) {
          assert(error instanceof ConfigError && error.message.startsWith(`${name} must be `));
        }
      },
    ),
  );
});

Deno.test("configHelp() has one line for each variable, in the order of the table", () => {
  const lines = configHelp().split("\n");
  assertEquals(lines.map((line) => line.trim().split(" ")[0]), Object.keys(CASES));
  assert(lines.every((line) => /^ {2}HEADWAY_\S+ +\S.*\S$/.test(line)));
});
