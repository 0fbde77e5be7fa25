// A client of the daemon, made of what a browser brings along: WebCrypto, WebSocket, WebRTC.
// Nothing is encrypted end to end here; the media are, by DTLS-SRTP.

const PATIENCE = 20_000; // milliseconds for whatever is waited for

const text = (string) => new TextEncoder().encode(string);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const publicKey = (pair) => crypto.subtle.exportKey("raw", pair.publicKey);

class Caller {
  #server; // the daemon's origin
  #handle = hex(crypto.getRandomValues(new Uint8Array(32)));
  #identity;
  #token;
  #socket;
  #peer; // the other's user id
  #callId;
  #connection; // RTCPeerConnection
  #channel; // RTCDataChannel
  #received = [];
  #states = [];
  #failure;

  constructor(server) {
    this.#server = server;
  }

  // Registers, logs in and opens the socket; the user's id.
  async join() {
    await this.#register();
    const { token, user_id } = await this.#login();
    this.#token = token;
    await this.#connect();
    return user_id;
  }

  allow(user) {
    return this.#api("PUT", `/contacts/${user}`, { state: "allowed" });
  }

  // Rings `user`, who answers by itself.
  async call(user) {
    this.#peer = user;
    this.#callId = crypto.randomUUID();
    await this.#prepare();
    this.#use(this.#connection.createDataChannel("words"));
    await this.#connection.setLocalDescription();
    this.#signal("call_offer", { sdp: this.#connection.localDescription.sdp });
  }

  // Waits until media may flow; which ways were found and which one is taken.
  async connected() {
    await this.#until("a connection", () => this.#connection?.connectionState === "connected");
    await this.#until("an open channel", () => this.#channel?.readyState === "open");
    const stats = [...(await this.#connection.getStats()).values()];
    const find = (id) => stats.find((entry) => entry.id === id);
    const pair = find(stats.find((entry) => entry.type === "transport").selectedCandidatePairId);
    const found = stats.filter((entry) => entry.type === "local-candidate");
    return {
      local: find(pair.localCandidateId).candidateType,
      remote: find(pair.remoteCandidateId).candidateType,
      relay: find(pair.localCandidateId).url,
      gathered: [...new Set(found.map((entry) => entry.candidateType))],
      signaling: this.#states.at(-1)?.state,
    };
  }

  say(words) {
    this.#channel.send(words);
  }

  async heard(words) {
    await this.#until(`"${words}"`, () => this.#received.includes(words));
  }

  // Waits until a second of audio (50 packets) has come in since it was asked.
  async hear() {
    const begin = await this.#audio();
    let now;
    await this.#until("audio", async () => {
      now = await this.#audio();
      return now.packets - begin.packets >= 50 && now.bytes > begin.bytes;
    });
    return { packets: now.packets - begin.packets, lost: now.lost - begin.lost };
  }

  hangUp() {
    this.#signal("call_end", {});
  }

  // Waits until the daemon says that the call is over; why.
  async ended() {
    await this.#until("the end of the call", () => this.#states.at(-1)?.state === "ended");
    this.#connection.close();
    return this.#states.at(-1).reason;
  }

  async #register() {
    this.#identity = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const prekey = await publicKey(await crypto.subtle.generateKey("X25519", false, ["deriveBits"]));
    const nonce = await this.#challenge();
    const digest = base64(await crypto.subtle.digest("SHA-256", prekey));
    await this.#api("POST", "/register", {
      phone_hash: this.#handle,
      identity_key: base64(await publicKey(this.#identity)),
      signed_prekey: base64(prekey),
      prekey_signature: await this.#sign(prekey),
      one_time_prekeys: [],
      nonce,
      registration_signature: await this.#signText("PrivComm_Register_v1", nonce, digest),
    });
  }

  async #login() {
    const nonce = await this.#challenge();
    const signature = await this.#signText("PrivComm_Auth_v1", nonce);
    return this.#api("POST", "/auth/token", { phone_hash: this.#handle, nonce, signature });
  }

  async #challenge() {
    return (await this.#api("POST", "/auth/challenge", { phone_hash: this.#handle })).nonce;
  }

  async #sign(bytes) {
    return base64(await crypto.subtle.sign("Ed25519", this.#identity.privateKey, bytes));
  }

  #signText(label, ...rest) {
    return this.#sign(text([label, this.#server, this.#handle, ...rest].join("\n")));
  }

  async #api(method, path, body) {
    const headers = { "Content-Type": "application/json" };
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    const request = { method, headers, body: JSON.stringify(body) };
    const answer = await fetch(`${this.#server}/api/v1${path}`, request);
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${said}`);
    return said && JSON.parse(said);
  }

  // Frames are taken one after the other, however long each takes.
  async #connect() {
    this.#socket = new WebSocket(`${this.#server.replace("http", "ws")}/ws`, "privcomm.v1");
    let turn = Promise.resolve();
    let ready = false;
    this.#socket.onopen = () => this.#send({ type: "auth", token: this.#token });
    this.#socket.onclose = ({ code }) => (this.#failure ??= new Error(`closed: ${code}`));
    this.#socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "ready") ready = true;
      turn = turn.then(() => this.#take(frame)).catch((error) => (this.#failure ??= error));
    };
    await this.#until("ready", () => ready);
  }

  async #take(frame) {
    switch (frame.type) {
      case "call_offer":
        return this.#answer(frame);
      case "call_answer":
        return this.#connection.setRemoteDescription({ type: "answer", sdp: frame.sdp });
      case "ice_candidate":
        return this.#connection.addIceCandidate(frame.candidate);
      case "call_state":
        return this.#states.push(frame);
      case "error":
        throw new Error(`${frame.code}: ${frame.detail}`);
    }
  }

  async #answer({ sender_id, call_id, sdp }) {
    this.#peer = sender_id;
    this.#callId = call_id;
    await this.#prepare();
    this.#connection.ondatachannel = ({ channel }) => this.#use(channel);
    await this.#connection.setRemoteDescription({ type: "offer", sdp });
    await this.#connection.setLocalDescription();
    this.#signal("call_answer", { sdp: this.#connection.localDescription.sdp });
  }

  // A connection that may use the daemon's relay only, with the microphone in it.
  async #prepare() {
    const { ice_servers } = await this.#api("GET", "/turn-credentials");
    this.#connection = new RTCPeerConnection({
      iceServers: ice_servers,
      iceTransportPolicy: "relay",
    });
    this.#connection.onicecandidate = ({ candidate }) => {
      if (candidate) this.#signal("ice_candidate", { candidate: candidate.toJSON() });
    };
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of microphone.getTracks()) this.#connection.addTrack(track, microphone);
  }

  #use(channel) {
    this.#channel = channel;
    channel.onmessage = ({ data }) => this.#received.push(data);
  }

  #signal(type, members) {
    this.#send({ type, recipient_id: this.#peer, call_id: this.#callId, ...members });
  }

  #send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  async #audio() {
    const stats = [...(await this.#connection.getStats()).values()];
    const audio = stats.find((entry) => entry.type === "inbound-rtp" && entry.kind === "audio");
    return {
      packets: audio?.packetsReceived ?? 0,
      bytes: audio?.bytesReceived ?? 0,
      lost: audio?.packetsLost ?? 0,
    };
  }

  async #until(what, happened) {
    const deadline = performance.now() + PATIENCE;
    while (!(await happened())) {
      if (this.#failure) throw this.#failure;
      if (performance.now() > deadline) {
        throw new Error(`no ${what}; the connection is ${this.#connection?.connectionState}`);
      }
      await new Promise((resume) => setTimeout(resume, 50));
    }
  }
}
