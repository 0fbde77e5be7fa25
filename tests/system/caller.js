// A client of the daemon, made of what a browser brings along: WebCrypto, WebSocket, WebRTC.
// Nothing is encrypted end to end here; the media are, by DTLS-SRTP.

const PATIENCE = 20_000; // milliseconds for whatever is waited for
const BEEP = 0.01; // its energy; a second of silence has a billionth

const text = (string) => new TextEncoder().encode(string);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const publicKey = (pair) => crypto.subtle.exportKey("raw", pair.publicKey);

class Caller {
  #server; // the daemon's origin
  #handle = hex(crypto.getRandomValues(new Uint8Array(32)));
  #identity;
  #token;
  #line;
  #callId; // of the call that the connection is for
  #connection; // RTCPeerConnection
  #channel; // RTCDataChannel
  #loudspeaker = new Audio();
  #received = [];
  #states = [];
  #relayErrors = [];
  #failure;

  constructor(server, dialect = "privcomm.v1") {
    this.#server = server;
    const told = {
      description: (description) => this.#described(description),
      candidate: (candidate) => this.#connection.addIceCandidate(candidate),
      state: (state, reason) => this.#states.push({ state, reason }),
      failed: (error) => (this.#failure ??= error),
    };
    this.#line = new LINES[dialect](told, (method, path) => this.#api(method, path));
  }

  // Registers, logs in and opens the socket; the user's id.
  async join() {
    await this.#register();
    const { token, user_id } = await this.#login();
    this.#token = token;
    await this.#line.connect(this.#server, token);
    return user_id;
  }

  allow(user) {
    return this.#api("PUT", `/contacts/${user}`, { state: "allowed" });
  }

  // Rings `user`, who answers by itself.
  async call(user) {
    await this.#line.begin(user);
    await this.#prepare();
    this.#use(this.#connection.createDataChannel("words"));
    await this.#describe();
  }

  // Looks for new ways; what flows goes on meanwhile.
  async restart() {
    this.#connection.restartIce();
    await this.#describe();
  }

  // Waits until media may flow; which ways were found and which one is taken.
  async connected() {
    await this.#until("a connection", () => this.#connection?.connectionState === "connected");
    await this.#until("an open channel", () => this.#channel?.readyState === "open");
    const { local, remote } = await this.#way();
    const found = (await this.#stats()).filter((entry) => entry.type === "local-candidate");
    return {
      local: local.candidateType,
      remote: remote.candidateType,
      relay: local.url,
      gathered: [...new Set(found.map((entry) => entry.candidateType))],
      signaling: this.#states.at(-1)?.state,
    };
  }

  // The names by which both ends look for ways now.
  fragments() {
    const { currentLocalDescription, currentRemoteDescription } = this.#connection;
    const ends = [currentLocalDescription, currentRemoteDescription];
    return ends.map(({ sdp }) => sdp.match(/^a=ice-ufrag:(.*?)\r?$/m)[1]);
  }

  // Waits until both ends have names that aren't among those, and a way was found by them. Which way
  // is taken then is the browser's affair, as long as the ones before are as good.
  async restarted(fragments) {
    await this.#until("a new way", async () => {
      const now = this.fragments();
      if (now.some((name) => fragments.includes(name))) return false;
      const stats = await this.#stats();
      const name = (id) => stats.find((entry) => entry.id === id)?.usernameFragment;
      const found = (pair) =>
        pair.state === "succeeded" &&
        name(pair.localCandidateId) === now[0] &&
        name(pair.remoteCandidateId) === now[1];
      return stats.some((entry) => entry.type === "candidate-pair" && found(entry));
    });
    return this.connected();
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

  // Waits until a beep of the other's microphone was decoded.
  async hearBeep() {
    const begin = await this.#audio();
    await this.#until("a beep", async () => (await this.#audio()).energy > begin.energy + BEEP);
  }

  hangUp() {
    this.#line.hangUp();
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

  async #describe() {
    await this.#connection.setLocalDescription();
    this.#line.describe(this.#connection.localDescription);
  }

  // An offer of a call that isn't known yet is taken; within a call it is a restart.
  async #described(description) {
    if (description.type === "offer") {
      if (this.#callId !== this.#line.callId) {
        await this.#prepare();
        this.#connection.ondatachannel = ({ channel }) => this.#use(channel);
        await this.#line.accept();
      }
      await this.#connection.setRemoteDescription(description);
      await this.#describe();
    } else {
      await this.#connection.setRemoteDescription(description);
    }
  }

  // A connection that may use the daemon's relay only, with the microphone in it.
  async #prepare() {
    this.#callId = this.#line.callId;
    this.#connection = new RTCPeerConnection({
      iceServers: await this.#line.iceServers(),
      iceTransportPolicy: "relay",
    });
    this.#connection.onicecandidate = ({ candidate }) => {
      if (candidate) this.#line.suggest(candidate.toJSON());
    };
    this.#connection.onicecandidateerror = ({ errorCode, errorText, url }) =>
      this.#relayErrors.push(`${errorCode} ${errorText} ${url}`);
    // What nobody plays is never decoded.
    this.#connection.ontrack = ({ streams: [stream] }) => {
      this.#loudspeaker.srcObject = stream;
      this.#loudspeaker.play().catch(() => {}); // the call may be over before it plays
    };
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of microphone.getTracks()) this.#connection.addTrack(track, microphone);
  }

  #use(channel) {
    this.#channel = channel;
    channel.onmessage = ({ data }) => this.#received.push(data);
  }

  async #stats() {
    return [...(await this.#connection.getStats()).values()];
  }

  // Both ends of the way that is taken.
  async #way() {
    const stats = await this.#stats();
    const find = (id) => stats.find((entry) => entry.id === id);
    const pair = find(stats.find((entry) => entry.type === "transport").selectedCandidatePairId);
    return { local: find(pair.localCandidateId), remote: find(pair.remoteCandidateId) };
  }

  async #audio() {
    const stats = await this.#stats();
    const audio = stats.find((entry) => entry.type === "inbound-rtp" && entry.kind === "audio");
    return {
      packets: audio?.packetsReceived ?? 0,
      bytes: audio?.bytesReceived ?? 0,
      lost: audio?.packetsLost ?? 0,
      energy: audio?.totalAudioEnergy ?? 0,
    };
  }

  async #until(what, happened) {
    const deadline = performance.now() + PATIENCE;
    while (!(await happened())) {
      if (this.#failure) throw this.#failure;
      if (performance.now() > deadline) {
        const state = this.#connection?.connectionState;
        throw new Error(`not seen: ${what}; the connection is ${state}; ${this.#relayErrors}`);
      }
      await new Promise((resume) => setTimeout(resume, 50));
    }
  }
}
