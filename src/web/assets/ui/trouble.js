// @ts-check
// Says what didn't work, and who can help.

import { keyOr, t, tOr } from "./words.js";

/**
 * @param {unknown} error a `Trouble`, or anything
 * @param {"join" | "recover" | "add" | "send" | "call" | "other"} [doing] words of its own where it has some
 */
export function explain(error, doing = "other") {
  const { code, retryAfter } = /** @type {{ code?: unknown, retryAfter?: number }} */ (error ?? {});
  if (typeof code !== "string") return t("trouble.unknown");
  if (code === "rate_limited") {
    return retryAfter ? t("trouble.rate_limited_for", { wait: wait(retryAfter) }) : t("trouble.rate_limited");
  }
  return tOr(`trouble.${doing}.${code}`, keyOr(`trouble.${code}`, "trouble.unknown"));
}

/** @param {number} seconds */
function wait(seconds) {
  return seconds < 90
    ? t("time.seconds", { count: Math.ceil(seconds) })
    : t("time.minutes", { count: Math.ceil(seconds / 60) });
}
