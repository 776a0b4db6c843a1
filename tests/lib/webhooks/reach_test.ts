import { assert, assertEquals } from "@std/assert";
import { parseAllowed, Reach } from "../../../lib/webhooks/reach.ts";

/** Spellings of addresses that are not public. */
const PRIVATE = [
  "127.0.0.1",
  "127.1",
  "127.0.1",
  "2130706433",
  "0x7f000001",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "017700000001",
  "127.0.0.1.",
  "１２７.０.０.１",
  "127。0。0。1",
  "%31%32%37.0.0.1",
  "0",
  "0.0.0.0",
  "10.0.0.1",
  "10.1",
  "0xa000001",
  "100.64.0.1",
  "100.127.255.255",
  "169.254.169.254",
  "2852039166",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.1.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[::127.0.0.1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[0:0:0:0:0:ffff:0a00:0001]",
  "[::ffff:8.8.8.8]",
  "[::ffff:0:127.0.0.1]",
  "[64:ff9b::10.0.0.1]",
  "[64:ff9b::7f00:1]",
  "[64:ff9b:1::1]",
  "[100::1]",
  "[2001::1]",
  "[2001:0:7f00:1::]",
  "[2001:db8::1]",
  "[2002:7f00:1::]",
  "[3fff::1]",
  "[5f00::1]",
  "[fc00::1]",
  "[fd12:3456::1]",
  "[fe80::1]",
  "[fec0::1]",
  "[ff02::1]",
];

const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "134744072",
  "100.63.255.255",
  "100.128.0.0",
  "172.15.0.1",
  "172.32.0.1",
  "192.167.0.1",
  "198.20.0.1",
  "223.255.255.255",
  "[2606:4700:4700::1111]",
  "[2001:4860:4860::8888]",
  "[2a00:1450::1]",
];

Deno.test("Reach.refuses() is true for an address that is not public, in any spelling, and for no other", () => {
  const reach = new Reach();
  for (const host of PRIVATE) assert(reach.refuses(new URL(`http://${host}:81/a`)), host);
  for (const host of PUBLIC) assert(!reach.refuses(new URL(`https://${host}/`)), host);
  // A name is resolved only when something is sent.
  assert(!reach.refuses(new URL("http://localhost/")));
});

Deno.test("Reach.allows() accepts a public address, but none with a zone and no other text", () => {
  const reach = new Reach();
  const wanted = [
    ["8.8.8.8", true],
    ["2606:4700::1111", true],
    ["::ffff:8.8.8.8", false],
    ["fe80::1%eth0", false],
    ["2606:4700::1111%1", false],
    ["127.1", false],
    ["", false],
    ["localhost", false],
  ] as const;
  for (const [address, allowed] of wanted) assertEquals(reach.allows(address), allowed, address);
});

Deno.test("Reach allows the hosts, addresses and networks that the operator names, and no others beside them", () => {
  const allowed = parseAllowed([
    "Hooks.internal",
    "10.1.0.0/16",
    "192.168.0.7",
    "fd00::/8",
    "[::1]",
  ]);
  assert(allowed);
  const reach = new Reach(allowed);
  assert(reach.trusts("hooks.internal"));
  assert(reach.trusts("HOOKS.INTERNAL."));
  assert(!reach.trusts("a.hooks.internal"));
  for (const address of ["10.1.255.255", "::ffff:10.1.0.1", "192.168.0.7", "fd12::1", "::1"]) {
    assert(reach.allows(address), address);
  }
  for (const address of ["10.2.0.1", "192.168.0.8", "::2", "127.0.0.1", "fe80::1"]) {
    assert(!reach.allows(address), address);
  }
});

Deno.test("parseAllowed() refuses an entry that is not exactly a host name, an address or a network", () => {
  const entries = [
    "",
    "127.1",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "::/129",
    "a b",
    "a/b",
    "http://a",
    "a:80",
    "*",
    "*.a",
  ];
  for (const entry of entries) assertEquals(parseAllowed([entry]), null, entry);
});
