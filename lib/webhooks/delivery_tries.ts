import type { Logger } from "../base/log.ts";
import { parseSecrets } from "../task/notify.ts";
import { answerProblem, isOfHost, type Tried, untried } from "./outcome.ts";
import type { Taken } from "./outbox.ts";
import { post, PostError, type PostOptions } from "./post.ts";
import { signedHeaders } from "./sign.ts";

export interface DeliveryTriesOptions extends PostOptions {
  /** Sign what goes to a target without secrets of its own. */
  secrets: readonly string[];
  /** Milliseconds since the epoch. */
  now(): number;
  log: Logger;
}

/** How a try went. */
export interface Went {
  readonly tried: Tried;
  /** Whether the host answered, with another status than 502 to 504; `null` if it was not asked. */
  readonly answered: boolean | null;
}

/** Sends deliveries, signed, and says how each try went. */
export class DeliveryTries {
  readonly #options: DeliveryTriesOptions;
  #toldUnsigned = false;

  constructor(options: DeliveryTriesOptions) {
    this.#options = options;
  }

  /** Tries once; `null` if `signal` aborted it. */
  async send({ n, body, target, due: { id } }: Taken, signal: AbortSignal): Promise<Went | null> {
    const { now, secrets: own, log } = this.#options;
    const at = now();
    const begun = performance.now();
    const ms = () => Math.round(performance.now() - begun);
    const failed = (error: string, answered: boolean | null): Went => {
      return { tried: { ...untried(at, error), ms: ms() }, answered };
    };
    if (!target) return failed("Its target is no longer known", null);
    const secrets = target.secret === undefined ? own : parseSecrets(target.secret) ?? [];
    if (secrets.length === 0) {
      const sentence = "webhooks cannot be signed: there is no HEADWAY_WEBHOOK_SECRET";
      if (!this.#toldUnsigned) log.warn(sentence, { task: id });
      this.#toldUnsigned = true;
      return failed("There is no secret to sign it with", null);
    }
    try {
      const text = new TextDecoder().decode(body);
      const headers = {
        "content-type": "application/json",
        "user-agent": "Headway",
        ...await signedHeaders(secrets, `msg_${id}_${n}`, at, text),
      };
      const answer = await post(new URL(target.url), body, headers, this.#options, signal);
      const { status, text: response, retryAfterMs } = answer;
      const error = answerProblem(status);
      return {
        tried: { at, ms: ms(), status, error, response, retryAfterMs },
        answered: !isOfHost(status),
      };
    } catch (error) {
      if (signal.aborted) return null;
      if (error instanceof PostError) return failed(error.message, error.silent ? false : null);
      log.error("a webhook could not be sent", { task: id, error });
      return failed("It could not be sent", null);
    }
  }
}
