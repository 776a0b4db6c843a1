/**
 * Signs webhooks as the Standard Webhooks specification says.
 *
 * @module
 */

/**
 * The headers of a delivery, signed with each of the secrets: a receiver needs to know one of them.
 *
 * @param id The same for all tries of a delivery.
 * @param at When it is sent, milliseconds since the epoch.
 */
export async function signedHeaders(
  secrets: readonly string[],
  id: string,
  at: number,
  body: string,
): Promise<Record<string, string>> {
  // Loaded here, as most servers send no webhooks.
  const { Webhook } = await import("standardwebhooks");
  const time = new Date(at);
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, time, body));
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1000)),
    "webhook-signature": signatures.join(" "),
  };
}
