// @ts-check
// The first screen: invited, open, by invitation or closed; joining, or coming back with a code.

import { h, set } from "../dom.js";
import { busy, button, field } from "../parts/button.js";
import { canScan, scan } from "../parts/scan.js";
import { explain } from "../trouble.js";
import { t } from "../words.js";
import { sheet } from "./plain.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../app.js").View} View */
/** @typedef {import("../../model.js").Invite} Invite */
/** @typedef {import("../../model.js").State} State */
/** @typedef {"join" | "code" | "recover"} Step */

/** @param {App} app @returns {View} */
export function welcome(app) {
  const first = app.model.state;
  /** @type {Invite | null} */
  let invite = first.invite;
  let brought = first.invite;
  /** @type {Step | null} */
  let chosen = null;
  let key = "";
  /** @type {Step | null} */
  let shown = null;
  const node = h("div", { class: "screen" });
  let focus = () => {};

  const step = () => chosen ?? natural(app.model.state, invite);
  /** @param {Step | null} next */
  const show = (next) => {
    chosen = next;
    render(app.model.state);
    focus();
  };
  /** @param {Invite} found */
  const use = (found) => {
    invite = found;
    show("join");
  };

  /** @param {State} state */
  function render(state) {
    if (state.invite !== brought) brought = invite = state.invite;
    const next = JSON.stringify([step(), invite, state.server, state.link === "clock_wrong", unheard(state)]);
    if (next === key || app.joining) return;
    key = next;
    const make = { join: joining, code: typing, recover: recovering }[step()];
    const made = make(app, { invite, show, use });
    focus = made.focus;
    const stays = shown === step();
    shown = step();
    const typed = stays ? entries(node).map(({ value }) => value) : [];
    const held = stays && node.contains(document.activeElement);
    node.replaceChildren(made.node);
    for (const [at, entry] of entries(node).entries()) if (!entry.readOnly && typed[at]) entry.value = typed[at];
    if (held) focus();
  }

  render(first);
  return { node, title: t("welcome.title"), update: render, focus: () => focus() };
}

/** What is typed in: it stays when the server is heard of meanwhile. @param {HTMLElement} node */
function entries(node) {
  return /** @type {(HTMLInputElement | HTMLTextAreaElement)[]} */ ([...node.querySelectorAll("input, textarea")]);
}

/** @param {State} state @param {Invite | null} invite @returns {Step} */
function natural({ server }, invite) {
  return invite || server?.registration === "open" ? "join" : "code";
}

/** @typedef {{ invite: Invite | null, show: (step: Step | null) => void, use: (invite: Invite) => void }} Ways */

/** @param {App} app @param {Ways} ways */
function joining(app, { invite, show }) {
  const { server } = app.model.state;
  const host = server?.host ?? location.host;
  const handle = field(t("join.name"), {
    name: "username", autocapitalize: "off", autocorrect: "off", maxlength: "64", required: true,
    value: invite?.handle ?? "", readonly: Boolean(invite?.handle), enterkeyhint: "go",
  }, invite?.handle ? t("join.name.given") : t("join.name.help"));
  const go = button(t("join.go"), () => {}, { kind: "main", type: "submit", class: "wide" });
  const wrong = h("p", { class: "wrong", role: "alert" });

  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const typed = handle.input.value.trim();
    wrong.textContent = "";
    if (!typed) return handle.complain(t("trouble.handle_invalid"));
    void busy(go, async () => {
      app.joining = true;
      try {
        app.isNew = true;
        app.recovery = (await app.model.join(typed, invite?.code ?? null)).words;
      } catch (error) {
        const words = explain(error, "join");
        if (/^handle_/.test(/** @type {any} */ (error).code)) handle.complain(words);
        else wrong.textContent = words;
      } finally {
        app.joining = false;
        app.refresh();
      }
    });
  };
  const made = sheet(t(invite ? "join.invited" : "join.open", { host }),
    h("p", { class: "lead" }, t("join.lead")),
    h("form", { class: "stack", on: { submit } }, handle.node, wrong, go),
    obstacle(app),
    h("p", { class: "fine" }, t("join.trust")),
    h("div", { class: "others" },
      button(t("join.have_recovery"), () => show("recover"), { kind: "quiet", icon: "key" }),
      button(t(invite ? "join.other_invite" : "join.have_invite"), () => show("code"), { kind: "quiet", icon: "link" })));
  return { node: made.node, focus: () => (invite?.handle ? go : handle.input).focus({ preventScroll: true }) };
}

/** @param {App} app @param {Ways} ways */
function typing(app, { invite, show, use }) {
  const { server } = app.model.state;
  const closed = server?.registration === "closed";
  const host = server?.host ?? location.host;
  const code = field(t("code.label"), { autocapitalize: "characters", enterkeyhint: "go", placeholder: "XXXX-XXXX-XXXX" }, t("code.help"));
  /** @param {string} text */
  const read = (text) => {
    try {
      use(app.model.readInvite(text));
    } catch (error) {
      code.complain(explain(error, "join"));
    }
  };
  const camera = button(t("code.scan"), async () => {
    const text = await scan(t("code.scan"));
    if (text !== null) read(text);
  }, { icon: "camera", class: "wide" });
  camera.hidden = true;
  void canScan().then((can) => (camera.hidden = !can));
  const open = server?.registration === "open";
  const made = sheet(t(closed ? "code.closed" : server?.registration === "invite" ? "code.invited_only" : "code.title", { host }),
    h("p", { class: "lead" }, t(closed ? "code.closed.lead" : "code.lead")),
    !closed && h("form", { class: "stack", on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); read(code.input.value); } } },
      code.node, button(t("code.go"), () => {}, { kind: "main", type: "submit", class: "wide" }), camera),
    obstacle(app),
    h("div", { class: "others" },
      button(t("join.have_recovery"), () => show("recover"), { kind: "quiet", icon: "key" }),
      (invite || open) && button(t("back"), () => show("join"), { kind: "quiet", icon: "back" })));
  return { node: made.node, focus: () => (closed ? made.heading : code.input).focus({ preventScroll: true }) };
}

/** @param {App} app @param {Ways} ways */
function recovering(app, { invite, show }) {
  const handle = field(t("join.name"), { name: "username", autocapitalize: "off", value: invite?.handle ?? "" });
  const id = "recovery-code";
  const code = h("textarea", { id, rows: "3", autocomplete: "off", autocapitalize: "off", spellcheck: "false", dir: "ltr", "aria-describedby": "recovery-help" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = button(t("recover.go"), () => {}, { kind: "main", type: "submit", class: "wide" });
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    wrong.textContent = "";
    set(code, "aria-invalid", null);
    void busy(go, async () => {
      app.joining = true;
      try {
        await app.model.recover(handle.input.value.trim(), code.value.trim(), invite?.code ?? null);
      } catch (error) {
        wrong.textContent = explain(error, "recover");
        if (/** @type {any} */ (error).code === "bad_recovery_code") set(code, "aria-invalid", "true");
      } finally {
        app.joining = false;
        app.refresh();
      }
    });
  };
  const made = sheet(t("recover.title"),
    h("p", { class: "lead" }, t("recover.lead")),
    h("form", { class: "stack", on: { submit } }, handle.node,
      h("div", { class: "field" }, h("label", { for: id }, t("recover.label")), code, h("p", { class: "help", id: "recovery-help" }, t("recover.help"))),
      wrong, go),
    h("div", { class: "others" }, button(t("back"), () => show(null), { kind: "quiet", icon: "back" })));
  return { node: made.node, focus: () => handle.input.focus({ preventScroll: true }) };
}

/** Whether the server couldn't be asked what it is. @param {State} state */
function unheard({ server, link }) {
  return server === null && link === "offline";
}

/** What stands in the way of everything here. @param {App} app */
function obstacle({ model: { state } }) {
  if (state.link === "clock_wrong") return h("p", { class: "note warn" }, t("trouble.clock_wrong"));
  return unheard(state) && h("p", { class: "note warn" }, t("trouble.network"));
}
