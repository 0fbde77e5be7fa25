// @ts-check
// The model as every tab has it. One tab holds the lock `socket` and does the work; the others show
// what it shows and ask it to do what they are asked. When it goes, another takes over.

/** @import { Actions, Model, State } from "../model.js" */
/** @import { Origins } from "./parts.js" */
import { Refusal } from "../crypto/refusal.js";
import { Media } from "../call/media.js";
import { Trouble } from "../net/trouble.js";
import { readAddress, readInvite } from "./links.js";
import { Messenger, opening } from "./messenger.js";
import { askPermission } from "./notifications.js";

/**
 * @typedef {{ kind: "hello" } | { kind: "state", state: State } | { kind: "messages", peer: string }
 *   | { kind: "ask", id: string, action: string, args: any[] }
 *   | { kind: "answer", id: string, value?: any, trouble?: { code: string, message: string, retryAfter?: number } }} Word
 */
/** @typedef {{ action: string, args: any[], resolve: (value: any) => void, reject: (error: unknown) => void, timer: ReturnType<typeof setTimeout> }} Asked */

const LOCK = "socket";
const CHANNEL = "privcomm";
const PATIENCE = 10_000; // milliseconds after which the working tab is asked whether it lives
const ANSWER = 4000; // that it may take to say so

/** @type {(keyof Actions)[]} */
const ACTIONS = [
  ...["join", "recover", "recoveryWasSaved", "recoveryCode", "addContact", "rename", "allow", "block", "unblock", "report"],
  ...["removeConversation", "messages", "countMessages", "search", "send", "retry", "remove", "markRead"],
  ...["safetyNumber", "verify", "unverify", "acceptIdentity", "keepIdentity", "setDirectCalls", "dial", "answer"],
  ...["reject", "hangUp", "dismissCall", "mute", "setSpeaker", "checkCalls", "change", "publishName", "storage"],
  ...["exportData", "logOut", "deleteAccount", "startAgain", "takeOver"],
].map((name) => /** @type {keyof Actions} */ (name));

/** The model of this tab. @param {Location} location @param {string} [server] its origin, where it isn't that of the page @returns {Model} */
export function openModel(location, server = location.origin) {
  const tab = new Tab({ server, page: location.origin }, readAddress(location));
  return /** @type {Model} */ (/** @type {unknown} */ (tab));
}

class Tab extends EventTarget {
  /** @type {State} */
  state = opening();
  readInvite = readInvite;
  #origins;
  #brought;
  #channel = new BroadcastChannel(CHANNEL);
  /** @type {Messenger | null} */
  #messenger = null;
  /** @type {Promise<Messenger>} the same, once it has opened what is kept */
  #opened = Promise.reject(new Trouble("internal"));
  /** @type {Map<string, Asked>} */
  #asked = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #doubt;

  /** @param {Origins} origins @param {Pick<State, "invite" | "visit">} brought */
  constructor(origins, brought) {
    super();
    this.#origins = origins;
    this.#opened.catch(() => {});
    this.#brought = brought;
    for (const action of ACTIONS) {
      Object.defineProperty(this, action, { value: (/** @type {any[]} */ ...args) => this.#permitted(action, args) });
    }
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#say({ kind: "hello" });
    this.#show(this.state);
    this.#queue({});
  }

  /** @param {string} action @param {any[]} args @returns {Promise<any>} */
  #act(action, args) {
    // One id, whoever does it in the end.
    const all = action === "send" ? [...args, crypto.randomUUID()] : args;
    return this.#messenger ? this.#opened.then((messenger) => run(messenger, action, all)) : this.#ask(action, all);
  }

  // What a person must be asked for is asked for in the tab that they look at; it holds for all.
  /** @param {string} action @param {any[]} args @returns {Promise<any>} */
  async #permitted(action, args) {
    if (action === "change" && args[0].notifications === "on") {
      return this.#act(action, [{ ...args[0], notifications: await askPermission() }]);
    }
    if ((action === "dial" || action === "answer") && !this.#messenger) {
      const microphone = await Media.microphone().catch((error) => Promise.reject(troubleOf(error)));
      for (const track of microphone.getTracks()) track.stop();
    }
    return this.#act(action, args);
  }

  /** @param {string} action @param {any[]} args */
  #ask(action, args) {
    return new Promise((resolve, reject) => {
      const id = crypto.randomUUID();
      const timer = setTimeout(() => this.#suspect(), PATIENCE);
      this.#asked.set(id, { action, args, resolve, reject, timer });
      this.#say({ kind: "ask", id, action, args });
    });
  }

  /** @param {Word} word */
  async #hear(word) {
    const messenger = this.#messenger;
    switch (word.kind) {
      case "hello":
        if (messenger) this.#say({ kind: "state", state: messenger.state });
        return;
      case "ask":
        if (messenger) this.#say(await answered(await this.#opened, word.id, word.action, word.args));
        return;
      case "state":
        clearTimeout(this.#doubt);
        this.#doubt = undefined;
        if (!messenger) this.#show({ ...word.state, tookOver: true });
        return;
      case "messages":
        return this.#tell("messages", { peer: word.peer });
      case "answer":
        return this.#settle(word);
    }
  }

  /** @param {Word & { kind: "answer" }} word */
  #settle({ id, value, trouble }) {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (trouble) asked.reject(new Trouble(trouble.code, trouble.message, trouble.retryAfter));
    else asked.resolve(value);
  }

  // The working tab doesn't answer. If it doesn't even say that it is there, it is relieved.
  #suspect() {
    if (this.#messenger || this.#doubt) return;
    this.#say({ kind: "hello" });
    this.#doubt = setTimeout(() => this.#queue({ steal: true }), ANSWER);
  }

  /** @param {LockOptions} options */
  async #queue(options) {
    const release = Promise.withResolvers();
    try {
      await navigator.locks.request(LOCK, options, async () => {
        if (this.#messenger) return;
        await this.#work();
        await release.promise;
      });
    } catch (error) {
      // Without locks there is no way; the messenger says so.
      if (!navigator.locks) return this.#work();
      if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
      // Taken away: this tab was thought to be gone.
      this.#rest();
      this.#say({ kind: "hello" });
      this.#queue({});
    }
  }

  async #work() {
    const messenger = new Messenger(this.#origins);
    this.#messenger = messenger;
    messenger.addEventListener("change", () => {
      if (messenger !== this.#messenger) return;
      this.#say({ kind: "state", state: messenger.state });
      this.#show(messenger.state);
    });
    messenger.addEventListener("messages", (event) => {
      const { peer } = /** @type {CustomEvent} */ (event).detail;
      this.#say({ kind: "messages", peer });
      this.#tell("messages", { peer });
    });
    this.#opened = messenger.open().then(() => messenger);
    await this.#opened;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { action, args, resolve, reject, timer } of asked) {
      clearTimeout(timer);
      run(messenger, action, args).then(resolve, reject);
    }
  }

  #rest() {
    this.#messenger?.stop();
    this.#messenger = null;
  }

  /** @param {State} state */
  #show(state) {
    this.state = { ...state, ...this.#brought };
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {Word} word */
  #say(word) {
    this.#channel.postMessage(word);
  }
}

/** @param {Messenger} messenger @param {string} action @param {any[]} args @returns {Promise<any>} */
async function run(messenger, action, args) {
  try {
    return await /** @type {any} */ (messenger)[action](...args);
  } catch (error) {
    throw troubleOf(error);
  }
}

/** @param {unknown} error */
function troubleOf(error) {
  if (error instanceof Trouble) return error;
  if (error instanceof Refusal) return new Trouble(error.reason, error.message);
  if (error instanceof DOMException && error.name === "NotAllowedError") return new Trouble("microphone");
  if (error instanceof DOMException) return new Trouble("storage", error.message);
  throw error;
}

/** @param {Messenger} messenger @param {string} id @param {string} action @param {any[]} args @returns {Promise<Word>} */
async function answered(messenger, id, action, args) {
  try {
    if (!ACTIONS.includes(/** @type {keyof Actions} */ (action))) throw new Trouble("internal");
    return { kind: "answer", id, value: await run(messenger, action, args) };
  } catch (error) {
    const { code = "internal", message, retryAfter } = /** @type {Trouble} */ (error);
    return { kind: "answer", id, trouble: { code, message, retryAfter } };
  }
}
