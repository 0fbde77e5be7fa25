// @ts-check
// Proves what of this server is reached from here: pages, a socket that holds, and the media relay
// over each transport by itself. What worked is told to the server with the code of the link.

import { echoThrough } from "/app/call/relay_echo.js";

const HOLD = 10_000; // milliseconds that the socket is held
const PATIENCE = 15_000; // milliseconds that anything may take

/** @typedef {"http" | "socket" | "udp" | "tcp" | "tls"} Reach what is to be proven */
/** @typedef {{ urls: string[], username: string, credential: string }} IceServer */

const page = document.body;

/** @param {string} selector */
function find(selector, within = page) {
  const found = within.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no ${selector}`);
  return found;
}

/** @param {string} state */
const show = (state) => (page.dataset.state = state);

/** @param {Reach} reach @param {"running" | "ok" | "bad" | "off"} kind */
function mark(reach, kind, words = "") {
  const row = find(`[data-reach="${reach}"]`);
  row.dataset.mark = kind;
  find(".result", row).textContent = words;
}

// The code stands behind the #, so that it reaches neither a proxy nor a log on the way here.
const code = () => location.hash.slice(1).trim();

class Refused extends Error {}

/** @param {string} path @param {object} body */
async function post(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Error("The server doesn't answer.");
  }
  if (answer.status === 403) {
    throw new Refused("This link was used already, is too old, or isn't one of this server.");
  }
  if (answer.status === 429) throw new Refused("Too many attempts from here. Wait a minute.");
  if (!answer.ok) throw new Error(`The server answers ${answer.status}.`);
  return answer.json();
}

/**
 * Holds a socket that says nothing but its pass; how long.
 * @param {string} pass @returns {Promise<string>}
 */
function hold(pass) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`, "privcomm.v1");
    let opened = 0;
    const late = setTimeout(() => end(new Error("no socket opens")), PATIENCE);
    /** @type {number | undefined} */
    let held;
    /** @param {Error} [error] */
    function end(error) {
      clearTimeout(late);
      clearTimeout(held);
      socket.onclose = null;
      socket.close();
      error ? reject(error) : resolve(`held ${HOLD / 1000} s`);
    }
    socket.onopen = () => {
      clearTimeout(late);
      opened = performance.now();
      socket.send(JSON.stringify({ type: "auth", token: pass }));
      held = setTimeout(() => end(), HOLD);
    };
    socket.onclose = ({ code }) => {
      const after = Math.round((performance.now() - opened) / 1000);
      end(new Error(opened ? `ended after ${after} s (${code})` : "no socket opens"));
    };
  });
}

/**
 * Sends packets through the relay and back; how fast.
 * @param {IceServer} server
 */
async function relay(server) {
  const { packets, median } = await echoThrough(server);
  return `${packets} packets, ${median < 1 ? "under 1" : Math.round(median)} ms`;
}

/**
 * Where a relay is reached, as firewalls call it: "UDP 3478".
 * @param {Reach} way @param {IceServer | undefined} server
 */
function door(way, server) {
  const [, port] = server?.urls[0]?.match(/:(\d+)(\?|$)/) ?? [, way === "tls" ? "5349" : "3478"];
  return `${way === "udp" ? "UDP" : "TCP"} ${port}`;
}

/**
 * What it came to, by what is wrong first.
 * @param {Reach[]} reached @param {Map<Reach, IceServer>} servers @param {"near" | "outside"} from
 */
function judge(reached, servers, from) {
  const ways = [...servers.keys()];
  const doors = ways.map((way) => door(way, servers.get(way)));
  /** @type {Reach[]} */
  const wanted = ["http", "socket", ...ways];
  const failed = wanted.filter((reach) => !reached.includes(reach));
  const [verdict, advice] = [find("#verdict"), find("#advice")];
  /** @param {"good" | "warn" | "bad"} kind @param {string} words @param {string} then */
  const say = (kind, words, then) => {
    verdict.className = `verdict ${kind}`;
    verdict.textContent = words;
    advice.textContent = then;
  };
  const calls = ways.filter((way) => reached.includes(way));
  if (failed.includes("socket")) {
    say("bad", "Messages don't get through.", "Something on the way doesn't carry WebSockets. Look at the tunnel or proxy: privcomm tunnel check");
  } else if (ways.length === 0) {
    say("warn", "Pages and messages work. Calls are switched off.", "Whoever runs the server can switch the media relay on: turn.enabled");
  } else if (calls.length === 0) {
    say("bad", "Calls don't get through.", `Open ${doors.join(" and ")} in every firewall before the server, and forward it on its router. A tunnel can't carry calls.`);
  } else if (failed.includes("udp")) {
    say("warn", "Calls work, but not over UDP.", `Open and forward ${door("udp", servers.get("udp"))} as well: over TCP a call stutters when packets are lost.`);
  } else if (failed.length > 0) {
    say("warn", "Calls work, but not on every network.", "What failed above is for networks that block UDP. Open and forward its port as well.");
  } else if (from === "near") {
    say("warn", "Everything works, from inside.", "You are in the server's own network, so this says nothing about the outside. Switch Wi-Fi off and use a new link.");
  } else {
    say("good", "Everything works from here.", "You can close this page.");
  }
  if (from === "near" && failed.length > 0) advice.textContent += " Besides, you are in the server's own network.";
}

async function run() {
  const shown = code();
  show("running");
  /** @type {Reach[]} */
  const reached = [];
  /** @param {Reach} reach @param {() => Promise<string>} work */
  const attempt = async (reach, work) => {
    mark(reach, "running");
    try {
      mark(reach, "ok", await work());
      reached.push(reach);
    } catch (error) {
      mark(reach, "bad", words(error));
    }
  };
  mark("http", "running");
  const begin = performance.now();
  const kit = await post("/api/v1/outside", { code: shown });
  mark("http", "ok", `answers in ${Math.round(performance.now() - begin)} ms`);
  reached.push("http");

  /** @type {{ over: Reach, ice_server: IceServer }[]} */
  const relays = kit.relays;
  const servers = new Map(relays.map(({ over, ice_server }) => [over, ice_server]));
  for (const over of /** @type {Reach[]} */ (["udp", "tcp", "tls"])) {
    if (!servers.has(over)) mark(over, "off", "not set up on this server");
  }
  const socket = attempt("socket", () => hold(kit.socket_pass));
  for (const [over, server] of servers) await attempt(over, () => relay(server));
  await socket;
  const { from } = await post("/api/v1/outside/report", { code: shown, reached });
  judge(reached, servers, from);
  show("done");
}

/** @param {unknown} error */
const words = (error) => (error instanceof Error ? error.message : String(error));

/** @param {unknown} error */
function refuse(error) {
  find("#refusal").textContent = words(error);
  show("refused");
}

function open() {
  if (!code()) return show("none");
  if (!("RTCPeerConnection" in window)) {
    return refuse(new Refused("This browser can't make calls, so it can't test them. Use another."));
  }
  show("ready");
}

find("#start").addEventListener("click", () => run().catch(refuse));
addEventListener("hashchange", () => page.dataset.state !== "running" && open());
open();
