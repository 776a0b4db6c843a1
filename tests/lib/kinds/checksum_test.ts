import { assertEquals } from "@std/assert";
import { runTask } from "headway/testing";
import { checksum, type ChecksumGiven } from "../../../lib/kinds/checksum.ts";

// The digests of "abc", from NIST's examples for FIPS 180-4.
const ABC = {
  "sha-224": "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
  "sha-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  "sha-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed" +
    "8086072ba1e7cc2358baeca134c825a7",
  "sha-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
};

Deno.test("checksum gives the published SHA-2 digests, however the upload is cut", async () => {
  const input: ChecksumGiven = {
    upload: "u",
    algorithms: ["sha-224", "sha-256", "sha-384", "sha-512"],
  };
  for (const chunkBytes of [1, 2, 3]) {
    const { result } = await runTask(checksum, input, { uploads: { u: "abc" }, chunkBytes });
    assertEquals(result, { size: 3, digests: ABC });
  }
});

Deno.test("checksum of an empty upload gives the digest of no bytes", async () => {
  const { result } = await runTask(checksum, { upload: "u" }, { uploads: { u: "" } });
  assertEquals(result, {
    size: 0,
    digests: { "sha-256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  });
});

Deno.test("checksum reports its progress in bytes, at most 64 KiB apart", async () => {
  const options = { uploads: { u: new Uint8Array(150_000) }, chunkBytes: 150_000 };
  const reports = (await runTask(checksum, { upload: "u" }, options)).dataOf("progress");
  assertEquals(reports.map(({ done }) => done), [0, 65_536, 131_072, 150_000]);
  const { total, unit, stage } = reports[0]!;
  assertEquals({ total, unit, stage }, { total: 150_000, unit: "bytes", stage: "hash" });
});

Deno.test("checksum's input defaults to SHA-256, and refuses algorithms other than SHA-2", async () => {
  const { validate } = checksum.input!["~standard"];
  assertEquals(await validate({ upload: "u" }), {
    value: { upload: "u", algorithms: ["sha-256"] },
  });
  for (const wrong of [{}, { upload: "" }, { upload: "u", algorithms: ["md5"] }, null]) {
    assertEquals("issues" in await validate(wrong), true, JSON.stringify(wrong));
  }
});
