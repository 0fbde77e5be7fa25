"""The web client and the SDK write to each other, over connections that are cut at random, while
each is started anew now and then."""

import contextlib
import os
import random
import tempfile

from appliance import Appliance
from browser import Driver
from browser_client import Client
from correspondent import Correspondent
from cutting import Cutting
from report import check, expect, run, skipped

COUNT = 200
SEED = int(os.environ.get("PRIVCOMM_SEED", "7"))
# Who is started anew again and again asks for more than a person does.
LIMITS = {"messages": '"6000/1m"', "messages_burst": "2000", "token": '"600/1m"', "challenge": '"600/1m"'}


def checks(binary):
    program = os.environ.get("PRIVCOMM_CORRESPONDENT")
    if not program:
        skipped("browser_sdk: PRIVCOMM_CORRESPONDENT names no program")
        return
    with contextlib.ExitStack() as started:
        way = started.enter_context(Cutting(SEED))
        allowed = (f'server.public_url="{way.origin}"', 'registration.mode="open"')
        limits = (f"limits.{name}={value}" for name, value in LIMITS.items())
        appliance = started.enter_context(Appliance(binary, *allowed, *limits))
        way.leads_to(appliance.http_port)
        driver = started.enter_context(Driver())
        vault = started.enter_context(tempfile.TemporaryDirectory())
        anna = started.enter_context(Client(driver, way.origin))
        anna.join("anna")
        anna.online()
        bot = started.enter_context(Correspondent(program, vault, way.origin, "bot"))
        to_bot = anna.add("bot")
        to_anna = bot.ask(find="anna")
        bot.ask(allow=to_anna)
        both_ways(way, anna, bot, to_anna, to_bot)
        numbers(anna, bot, to_anna, to_bot)


def both_ways(way, anna, bot, to_anna, to_bot):
    with check(f"browser: 2 × {COUNT} messages with the SDK, over connections that are cut (seed {SEED})"):
        way.patience = 60
        chance = random.Random(SEED)
        for number in range(COUNT):
            anna.send(to_bot, f"a{number}")
            bot.ask(send={"to": to_anna, "text": f"b{number}"})
            if chance.random() < 0.02:
                anna.reload()
            if chance.random() < 0.02:
                bot.kill()
                bot.again()
        way.patience = None
        bot.wait_for("all of them", lambda: len(set(bot.texts(to_anna))) >= COUNT)
        anna.do(
            "await until('all of them', async () => (await model.messages(a[0], { limit: 1000 })).filter(({ mine, kind }) => !mine && kind === 'text').length >= a[1])",
            to_bot,
            COUNT,
        )
        expect(way.cuts > 5, f"only {way.cuts} connections were cut")
        expect(anna.texts(to_bot) == [f"b{number}" for number in range(COUNT)], anna.texts(to_bot))
        # What was told and not yet done with is told again after a crash, by its id.
        told = list(dict.fromkeys(bot.texts(to_anna)))
        expect(told == [f"a{number}" for number in range(COUNT)], told)
        anna.wait_for_state(to_bot, f"a{COUNT - 1}", "delivered")


def numbers(anna, bot, to_anna, to_bot):
    with check("browser: the SDK sees the same safety number, and each scans the other's code"):
        mine = anna.do("return model.safetyNumber(a[0])", to_bot)
        theirs = bot.ask(number=to_anna)
        expect(mine["digits"] == theirs["digits"], (mine, theirs))
        anna.do("await model.verify(a[0], a[1])", to_bot, theirs["qr"])
        bot.ask(verify={"peer": to_anna, "scanned": mine["qr"]})


if __name__ == "__main__":
    run(checks)
