// How a caller speaks with the daemon, in either dialect. Who uses a line says and is told the same
// in both: `told` has description, candidate, state and failed.

class Line {
  callId;
  #socket;
  #told;
  #turn = Promise.resolve(); // frames are taken one after the other, however long each takes

  constructor(told) {
    this.#told = told;
  }

  get told() {
    return this.#told;
  }

  // Opens the socket and resolves when the session stands.
  open(server, dialect, greeting) {
    this.#socket = new WebSocket(`${server.replace("http", "ws")}/ws`, dialect);
    this.#socket.onopen = () => this.send(greeting);
    this.#socket.onclose = ({ code }) => this.#told.failed(new Error(`closed: ${code}`));
    return new Promise((ready) => {
      this.#socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.type === "ready") ready();
        else if (frame.ctrl) this.answered(frame.ctrl);
        else this.#turn = this.#turn.then(() => this.take(frame)).catch(this.#told.failed);
      };
    });
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }
}

// privcomm.v1: SDPs ring and answer by themselves, and every frame names the peer.
class PrivcommLine extends Line {
  #peer;
  #api;

  constructor(told, api) {
    super(told);
    this.#api = api;
  }

  connect(server, token) {
    return this.open(server, "privcomm.v1", { type: "auth", token });
  }

  async iceServers() {
    return (await this.#api("GET", "/turn-credentials")).ice_servers;
  }

  async begin(user) {
    this.#peer = user;
    this.callId = crypto.randomUUID();
  }

  async accept() {} // the answer does it

  describe({ type, sdp }) {
    this.#signal(`call_${type}`, { sdp });
  }

  suggest(candidate) {
    this.#signal("ice_candidate", { candidate });
  }

  hangUp() {
    this.#signal("call_end", {});
  }

  take(frame) {
    switch (frame.type) {
      case "call_offer":
        this.#peer = frame.sender_id;
        this.callId = frame.call_id;
        return this.told.description({ type: "offer", sdp: frame.sdp });
      case "call_answer":
        return this.told.description({ type: "answer", sdp: frame.sdp });
      case "ice_candidate":
        return this.told.candidate(frame.candidate);
      case "call_state":
        return this.told.state(frame.state, frame.reason);
      case "error":
        throw new Error(`${frame.code}: ${frame.detail}`);
    }
  }

  #signal(type, members) {
    this.send({ type, recipient_id: this.#peer, call_id: this.callId, ...members });
  }
}

// mvchat.v1: every step has an answer, and SDPs travel apart from the call.
class MvchatLine extends Line {
  #iceServers;
  #asked = new Map(); // the steps that wait for their answer, by id

  async connect(server, token) {
    const hi = { id: "hi", hi: { token } };
    const greeted = this.#answerTo(hi.id);
    await this.open(server, "mvchat.v1", hi);
    this.#iceServers = (await greeted).ice_servers;
  }

  async iceServers() {
    return this.#iceServers;
  }

  async begin(user) {
    const { call_id, ice_servers } = await this.#step("initiate", { user });
    this.callId = call_id;
    this.#iceServers = ice_servers;
  }

  accept() {
    return this.#act("answer");
  }

  describe({ type, sdp }) {
    return this.#act("sdp", { sdp: { type, sdp } });
  }

  suggest(candidate) {
    return this.#act("ice", { candidate });
  }

  hangUp() {
    return this.#act("end");
  }

  take({ type, info, ...frame }) {
    if (type === "error") throw new Error(`${frame.code}: ${frame.detail}`);
    switch (info?.what) {
      case "incoming_call":
        this.callId = info.call_id;
        return;
      case "call_sdp":
        return this.told.description(info.sdp);
      case "call_ice":
        return this.told.candidate(info.candidate);
      case "call_ringing":
        return this.told.state("ringing");
      case "call_answered":
        return this.told.state("connected");
      case "call_ended":
        return this.told.state("ended", info.reason);
    }
  }

  answered({ id, code, text, params }) {
    const { resolve, reject } = this.#asked.get(id);
    this.#asked.delete(id);
    if (code === 200) resolve(params);
    else reject(new Error(`${code}: ${text}`));
  }

  // A step in the call; that it is refused fails whatever is waited for.
  #act(action, members) {
    return this.#step(action, { call_id: this.callId, ...members }).catch(this.told.failed);
  }

  #step(action, members) {
    const id = crypto.randomUUID();
    this.send({ id, call: { action, ...members } });
    return this.#answerTo(id);
  }

  #answerTo(id) {
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }
}

const LINES = { "privcomm.v1": PrivcommLine, "mvchat.v1": MvchatLine };
