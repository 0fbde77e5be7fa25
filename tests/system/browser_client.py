"""The web client's rooms below its views, in a page of the daemon's, without the views."""

from browser import Browser

# Waits in the page until `wanted` holds; asks again at every change and, for what tells of none,
# now and then.
UNTIL = """
window.until = (what, wanted) => new Promise((resolve, reject) => {
  const late = setTimeout(() => end(reject, new Error(`not: ${what}; ${JSON.stringify({ call: model.state.call, ...model.state })}`)), 40000);
  const ask = async () => { try { const found = await wanted(model.state); if (found) end(resolve, found); } catch (error) { end(reject, error); } };
  const again = setInterval(ask, 100);
  const end = (done, value) => { clearTimeout(late); clearInterval(again); model.removeEventListener("change", ask); model.removeEventListener("messages", ask); done(value); };
  model.addEventListener("change", ask); model.addEventListener("messages", ask);
  ask();
});
"""


class Client:
    """One profile with the model in its page."""

    def __init__(self, driver, origin, path="/test"):
        self.origin, self._path = origin, path
        self.browser = Browser(driver, f"{origin}{path}")
        self.begin()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.__exit__()

    def do(self, script, *arguments):
        """What an async function of this body returns, with `model`, `until` and `a` for arguments."""
        return self.browser.run(
            "const a = Array.from(arguments); return (async () => {"
            + script
            # The driver takes the code of an error for one of its own.
            + "\n})().catch(({ code, message }) => { throw new Error(`${code ?? ''} ${message}`); });",
            *arguments,
        )

    def reload(self):
        """Loads the page anew, as a person does or a crash."""
        self.browser.open(f"{self.origin}{self._path}")
        self.begin()

    def reload_with(self, script):
        """Loads the page anew, and does `script` in it before anything is at work."""
        self.leave()
        self.do(script)
        self.begin()

    def leave(self):
        """Goes to a page of the same origin in which nothing is at work."""
        self.browser.open(f"{self.origin}{self._path}")

    def second_tab(self):
        """Opens a second tab and goes to it; the two."""
        both = self.browser.new_tab(f"{self.origin}{self._path}")
        self.begin()
        return both

    def begin(self):
        """Puts the model to work in the page that is open."""
        self.do(
            "window.sockets = []; window.WebSocket = class extends WebSocket {"
            "constructor(...all) { super(...all); sockets.push(this); } };" + UNTIL
            + "const { openModel } = await import('/app/messenger/tabs.js');"
            "window.model = openModel({ origin: location.origin, pathname: '/', hash: '' });"
            "await until('an open store', ({ phase }) => phase !== 'opening');"
        )

    def cut(self):
        """Ends the socket, as networks do."""
        self.do("for (const socket of sockets) socket.close()")

    def join(self, handle, code=None):
        """Makes an account; its recovery code."""
        return self.do("return (await model.join(a[0], a[1])).words", handle, code)

    def online(self):
        self.do("await until('online', ({ link }) => link === 'online')")

    def add(self, who):
        """Their user id."""
        return self.do("return model.addContact(a[0])", who)

    def send(self, peer, text):
        self.do("return model.send(a[0], a[1])", peer, text)

    def texts(self, peer, mine=False):
        """The texts of a conversation, oldest first."""
        return self.do(
            "const all = await model.messages(a[0], { limit: 1000 });"
            "return all.filter(({ mine, kind }) => mine === a[1] && kind === 'text').map(({ text }) => text)",
            peer,
            mine,
        )

    def wait_for_text(self, peer, text):
        self.do(
            "await until(`\"${a[1]}\"`, async () => (await model.messages(a[0], { limit: 1000 }))"
            ".some(({ text, mine }) => !mine && text === a[1]))",
            peer,
            text,
        )

    def wait_for_state(self, peer, text, state):
        """Until an own message has come so far."""
        self.do(
            "await until(`\"${a[1]}\" ${a[2]}`, async () => (await model.messages(a[0], { limit: 1000 }))"
            ".some(({ text, mine, state }) => mine && text === a[1] && state === a[2]))",
            peer,
            text,
            state,
        )

    def me(self):
        """The own user id."""
        return self.do("return model.state.me.id")

    def state(self):
        return self.do("return JSON.parse(JSON.stringify(model.state))")
