/**
 * Certificates for the tests, made on the spot [RFC 5280].
 *
 * @module
 */

/** A DER value: a tag, its length, its content. */
function der(tag: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  const bytes = new Uint8Array(1 + length.length + size);
  bytes.set([tag, ...length]);
  let at = 1 + length.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const bytes = (...values: number[]) => new Uint8Array(values);
const text = (value: string) => new TextEncoder().encode(value);
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const oid = (...values: number[]) => der(0x06, bytes(...values));

/** An unsigned integer of any length. */
function integer(value: Uint8Array): Uint8Array {
  const first = Math.min(value.findIndex((byte) => byte !== 0), value.length - 1);
  const digits = value.subarray(Math.max(0, first));
  return der(0x02, digits[0]! >= 0x80 ? bytes(0) : bytes(), digits);
}

function utcTime(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\D/g, "").slice(2, 14);
  return der(0x17, text(`${digits}Z`));
}

function pem(what: string, content: Uint8Array): string {
  const lines = content.toBase64().match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${what}-----\n${lines}\n-----END ${what}-----\n`;
}

const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const DAY = 24 * 3600_000;

/**
 * Makes a self-signed certificate for `localhost` and 127.0.0.1.
 *
 * @param options `ca` makes it a certificate authority's, too.
 */
export async function makeCertificate({ ca = false } = {}): Promise<{ cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const privateKey = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const name = sequence(der(0x31, sequence(oid(0x55, 4, 3), der(0x0c, text("localhost")))));
  const names = sequence(der(0x82, text("localhost")), der(0x87, bytes(127, 0, 0, 1)));
  const now = Date.now();
  const content = sequence(
    der(0xa0, integer(bytes(2))),
    integer(crypto.getRandomValues(new Uint8Array(8))),
    ECDSA_SHA256,
    name,
    sequence(utcTime(now - DAY), utcTime(now + 30 * DAY)),
    name,
    publicKey,
    der(
      0xa3,
      sequence(
        sequence(oid(0x55, 0x1d, 0x11), der(0x04, names)),
        ...(ca
          ? [sequence(oid(0x55, 0x1d, 0x13), der(0x04, sequence(der(0x01, bytes(0xff)))))]
          : []),
      ),
    ),
  );
  const hash = { name: "ECDSA", hash: "SHA-256" };
  const raw = new Uint8Array(await crypto.subtle.sign(hash, pair.privateKey, content));
  const signature = sequence(integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
  const cert = sequence(content, ECDSA_SHA256, der(0x03, bytes(0), signature));
  return { cert: pem("CERTIFICATE", cert), key: pem("PRIVATE KEY", privateKey) };
}

/** Makes a certificate and writes it and its key into a folder, as PEM files. */
export async function writeCertificate(folder: string): Promise<{
  cert: string;
  certFile: string;
  keyFile: string;
}> {
  const { cert, key } = await makeCertificate();
  const [certFile, keyFile] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(certFile, cert);
  await Deno.writeTextFile(keyFile, key);
  return { cert, certFile, keyFile };
}
