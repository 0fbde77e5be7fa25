// @ts-check
// Light or dark: as the system, or as the person chose. The choice is noted where it can be read
// before the store is open, so that nothing flashes.

const NOTE = "theme";
const PAPER = { light: "#f7f5f0", dark: "#131816" };

/** @param {"system" | "light" | "dark"} theme */
export function wear(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  for (const meta of document.querySelectorAll("meta[name='theme-color']")) meta.setAttribute("content", PAPER[dark ? "dark" : "light"]);
  if (localStorage.getItem(NOTE) !== theme) localStorage.setItem(NOTE, theme);
}

/** What was worn last. */
export function wearLast() {
  const noted = localStorage.getItem(NOTE);
  if (noted === "light" || noted === "dark") wear(noted);
}
