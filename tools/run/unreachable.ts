/** Says why there was no answer, where the person at the terminal can mend it. */
export function whyUnreachable(url: string, error: unknown): string {
  const text = error instanceof Error ? `${error.message} ${String(error.cause ?? "")}` : "";
  const [, why] = /invalid peer certificate: (.{1,200})/s.exec(text) ?? [];
  if (why === undefined) {
    if (!/InvalidContentType/.test(text)) return `There is no answer from ${url}`;
    return `${url} does not speak HTTPS: try http://`;
  }
  // As `openssl req -x509` makes it, and as Deno takes it from no server, trusted or not.
  if (why.includes("CaUsedAsEndEntity")) {
    return `The certificate of ${url} is not trusted, as it is the certificate of an authority (CA:TRUE): ` +
      "have openssl make it with -addext basicConstraints=critical,CA:FALSE, " +
      "then name its file with DENO_CERT=cert.pem";
  }
  if (why.includes("UnknownIssuer")) {
    return `The certificate of ${url} is not trusted: if it is yours, name its file with ` +
      "DENO_CERT=cert.pem, or take what the system trusts with DENO_TLS_CA_STORE=system";
  }
  return `The certificate of ${url} is not valid: ${why}`;
}
