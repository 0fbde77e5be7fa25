// @ts-check
// Reads a QR code by the camera, where the browser can. Pictures never leave this function.

import { h, say } from "../dom.js";
import { t } from "../words.js";
import { wheel } from "./button.js";
import { dialog } from "./dialog.js";

/** @typedef {{ detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]> }} Detector */
/** @typedef {{ new (options: { formats: string[] }): Detector, getSupportedFormats: () => Promise<string[]> }} DetectorClass */

const EVERY = 150;

/** @returns {DetectorClass | undefined} */
const detectorClass = () => /** @type {any} */ (globalThis).BarcodeDetector;

/** Whether this browser can. */
export async function canScan() {
  if (!navigator.mediaDevices?.getUserMedia) return false;
  const formats = await detectorClass()?.getSupportedFormats().catch(() => /** @type {string[]} */ ([]));
  return formats?.includes("qr_code") ?? false;
}

/**
 * What the code says; null when it was dismissed.
 * @param {string} title
 * @returns {Promise<string | null>}
 */
export async function scan(title) {
  const Detector = detectorClass();
  if (!Detector) return null;
  const detector = new Detector({ formats: ["qr_code"] });
  const video = h("video", { class: "viewfinder", playsinline: true, muted: true, "aria-label": t("scan.viewfinder") });
  const hint = h("p", { class: "help", role: "status" }, t("scan.hint"));
  /** @type {MediaStream | null} */
  let stream = null;
  let open = true;
  const film = async () => {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    video.srcObject = stream;
    await video.play();
    while (open) {
      const [code] = await detector.detect(video);
      if (code) return code.rawValue;
      await new Promise((later) => setTimeout(later, EVERY));
    }
    return null;
  };
  const found = dialog(title, (/** @type {(text: string | null) => void} */ close) => {
    film().then(close, (error) => say(hint, t(error?.name === "NotAllowedError" ? "scan.denied" : "scan.failed")));
    return [h("div", { class: "dialog-body" }, h("div", { class: "viewfinder-frame" }, wheel(t("scan.starting")), video), hint)];
  });
  try {
    return await found;
  } finally {
    open = false;
    /** @type {MediaStream | null} */ (stream)?.getTracks().forEach((track) => track.stop());
  }
}
