// @ts-check
// What the client can't do without, and this browser hasn't (E2EE.md: there is no way round it).

/** @returns {Promise<string[]>} */
export async function lacks() {
  if (!isSecureContext || !globalThis.crypto?.subtle) return ["https"];
  const missing = [];
  if (!("indexedDB" in globalThis)) missing.push("indexeddb");
  if (!navigator.locks) missing.push("locks");
  try {
    await crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);
    await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  } catch {
    missing.push("x25519");
  }
  return missing;
}
