/**
 * The addresses that webhooks may be sent to: public ones, and those that the operator allows. What
 * counts is the address that a name resolves to, not the name.
 *
 * @module
 */

import type { BlockList } from "node:net";
import process from "node:process";

/** Loaded on first use: it would slow each start, and most servers send nothing. */
const net = () => process.getBuiltinModule("node:net");

/** IPv4 networks that are not public, by the registry of special-purpose addresses [RFC 6890]. */
const SPECIAL_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

/** The public IPv6 addresses. NAT64 and mapped IPv4 are not among them. */
const INTERNET_V6 = ["2000::/3"];

/** Exceptions from these: addresses that hold an IPv4 one (Teredo, 6to4), or are for documentation. */
const SPECIAL_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

export const ALLOW_SHAPE = "host names, addresses and networks, such as 10.1.0.0/16";

/** What the operator allows. */
export interface Allowed {
  readonly hosts: ReadonlySet<string>;
  /** `null` for none. */
  readonly networks: BlockList | null;
}

export class Reach {
  readonly #allowed: Allowed;
  #special: BlockList | undefined;
  #internet: BlockList | undefined;

  constructor(allowed: Allowed = parseAllowed([])!) {
    this.#allowed = allowed;
  }

  /** Whether a host is allowed by name, whatever its address. */
  trusts(hostname: string): boolean {
    return this.#allowed.hosts.has(plainName(hostname));
  }

  /** Whether an address may be connected to. */
  allows(address: string): boolean {
    const family = net().isIP(address);
    // Only link-local addresses have a zone.
    if (family === 0 || address.includes("%")) return false;
    const type = family === 4 ? "ipv4" : "ipv6";
    if (this.#allowed.networks?.check(address, type)) return true;
    this.#special ??= blockList([...SPECIAL_V4, ...SPECIAL_V6]);
    if (this.#special.check(address, type)) return false;
    this.#internet ??= blockList(INTERNET_V6);
    return family === 4 || this.#internet.check(address, "ipv6");
  }

  /** Whether a URL names an address, in whatever spelling, that may not be connected to. */
  refuses({ hostname }: URL): boolean {
    const address = literalAddress(hostname);
    return address !== null && !this.trusts(hostname) && !this.allows(address);
  }
}

/** The address that a URL's host is, without brackets; `null` for a name. */
export function literalAddress(hostname: string): string | null {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  return net().isIP(address) === 0 ? null : address;
}

/** Reads what the operator allows; `null` if an entry is not a host, an address or a network. */
export function parseAllowed(entries: readonly string[]): Allowed | null {
  const hosts = new Set<string>();
  const networks: string[] = [];
  for (const entry of entries) {
    const address = literalAddress(entry.split("/", 1)[0]!);
    if (address !== null) {
      const bits = net().isIP(address) === 4 ? 32 : 128;
      const [, length = String(bits), more] = entry.split("/");
      if (more !== undefined || !/^\d{1,3}$/.test(length) || Number(length) > bits) return null;
      networks.push(`${address}/${length}`);
      continue;
    }
    const hostname = URL.parse(`http://${entry}`)?.hostname;
    // A URL makes 127.0.0.1 of 127.1, and a star would look as if it matched something.
    if (hostname !== entry.toLowerCase() || /\*/.test(hostname)) return null;
    if (literalAddress(hostname) !== null) return null;
    hosts.add(plainName(hostname));
  }
  return { hosts, networks: networks.length === 0 ? null : blockList(networks) };
}

/** A name in lower case, without a dot at its end. */
function plainName(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, "");
}

function blockList(networks: readonly string[]): BlockList {
  const { BlockList, isIP } = net();
  const list = new BlockList();
  for (const network of networks) {
    const [address, length] = network.split("/") as [string, string];
    list.addSubnet(address, Number(length), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
