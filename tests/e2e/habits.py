# SPDX-License-Identifier: Apache-2.0
"""How the people and servers of a scenario behave: as usual, or much more widely.

The suites draw the usual world. The wide one is what the doctor must also get right without having been
fitted to it: other rates, hours, shares of dead and slow recipients, busy healthy users, many ways to
hand mail in, and the answers that large mail providers really give.
"""
import random

#: (DSN, reply) of a recipient that does not exist, of a refusal as spam, of a delay.
USUAL = {"dead": [("5.1.1", "550 5.1.1 <{r}>: no such user here")],
         "refused": [("5.7.1", "550 5.7.1 message looks like spam")],
         "slow": [("4.7.1", "451 4.7.1 try again later")]}
WIDE = {
    "dead": USUAL["dead"] + [
        ("5.1.1", "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 "
                  "double-checking the recipient's email address for typos or 550-5.1.1 unnecessary spaces. "
                  "550 5.1.1 https://support.google.com/mail/?p=NoSuchUser 5b1f17b1804b1 - gsmtp"),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). "
                  "[AM7EUR06FT044.eop-eur06.prod.protection.outlook.com]"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) "
                  "[DB5EUR03FT012.eop-EUR03.prod.protection.outlook.com]"),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {r} not found by SMTP address lookup"),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable"),
        ("5.0.0", "552 1 Requested mail action aborted, mailbox not found"),
        ("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account ({r}) [0]"),
        ("5.1.1", "550 5.1.1 <{r}>: Recipient address rejected: User unknown in virtual mailbox table"),
        ("5.1.1", "550 5.1.1 <{r}> User doesn't exist: {r}"),
        ("5.0.0", "550 No such person at this address"),
        ("5.0.0", "550 unrouteable address"),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled."),
        ("5.0.0", "550 <{r}>: Account inactive or not found"),
        ("5.0.0", "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)")],
    "refused": USUAL["refused"] + [
        ("5.7.1", "550-5.7.1 [192.0.2.10      12] Our system has detected that this message is likely "
                  "unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked."),
        ("5.7.1", "550 5.7.1 Unfortunately, messages from [192.0.2.10] weren't sent. Please contact your Internet "
                  "service provider since part of their network is on our block list (S3150)."),
        ("5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org"),
        ("5.0.0", "550 High probability of spam"),
        ("5.0.0", "554 Transaction failed Reject due to policy restrictions."),
        ("5.7.9", "554 5.7.9 Message not accepted for policy reasons"),
        ("5.0.0", "550 Message rejected as spam by Content Filtering."),
        ("5.0.0", "552 sorry, your envelope sender domain is listed in our DNSBL"),
        ("5.3.4", "552 5.3.4 Error: content rejected")],
    "slow": USUAL["slow"] + [
        ("4.7.0", "421-4.7.0 [192.0.2.10      15] Our system has detected an unusual rate of unsolicited mail "
                  "originating from your IP address."),
        ("4.2.0", "450 4.2.0 <{r}>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/"),
        ("4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to user complaints"),
        ("4.2.2", "452 4.2.2 The email account that you tried to reach is over quota."),
        ("4.0.0", "450 internal resource temporarily unavailable")]}


class Habits:
    """The usual ones."""
    wide = False
    spam_dead = (0.12, 0.45)    # share of a spammer's recipients who do not exist
    spam_slow = (0.0, 0.3)      # … who are put off
    spam_refused = 0.6          # how often far servers know the text as spam
    refused_share = (0.1, 0.6)  # and then refuse so much of it
    dead, slow = 0.02, 0.0      # the same of healthy mail
    known = (2, 7)              # people whom a healthy user writes to
    mails = (2, 9)              # mails that he writes
    homes = (1, 1, 2, 3)        # networks he writes from
    alias_share = 0.0           # healthy users who send under another address of theirs
    list_dead, list_slow = (0.02, 0.06), 0.05  # somebody's own list
    replies = USUAL
    paces = ("run",)


class Wide(Habits):
    """Drawn for one scenario."""
    wide = True
    replies = WIDE
    paces = ("run", "burst", "drip", "pulses", "night")

    def __init__(self, seed):
        rng = random.Random(f"{seed}-habits")
        low = rng.uniform(0.03, 0.5)
        self.spam_dead = (low, low + 0.2)
        self.spam_slow = (0.0, rng.choice((0.0, 0.1, 0.4, 0.7)))
        self.spam_refused = rng.random()
        low = rng.uniform(0.02, 0.6)
        self.refused_share = (low, low + 0.35)
        self.dead = rng.uniform(0.0, 0.05)
        self.slow = rng.choice((0.0, 0.05, 0.25))
        self.known = rng.choice(((2, 7), (5, 30), (20, 60)))
        self.mails = rng.choice(((2, 9), (5, 40), (20, 120)))
        self.homes = rng.choice(((1,), (1, 2, 3), (1, 4, 9, 15)))
        self.alias_share = rng.choice((0.0, 0.3))
        self.list_dead = (0.0, rng.uniform(0.01, 0.08))
        self.list_slow = rng.choice((0.0, 0.05, 0.3))
        kept = rng.randint(1, 6)
        self.replies = {what: rng.sample(WIDE[what], min(kept, len(WIDE[what]))) for what in WIDE}


def moments(rng, n, paces):
    """n moments of 0 to 1, in order, as somebody's run takes them."""
    pace = rng.choice(paces)
    begin = rng.uniform(0.0, 0.5)
    end = rng.uniform(begin + 0.2, 1.0)
    if pace == "burst":
        begin = rng.uniform(0.0, 0.9)
        end = begin + rng.uniform(0.005, 0.08)
    elif pace == "drip":
        begin, end = 0.0, 1.0
    elif pace == "night":
        begin, end = rng.uniform(0.0, 0.1), rng.uniform(0.2, 0.35)
    if pace == "pulses":
        starts = [rng.uniform(0.0, 0.95) for _ in range(rng.randint(2, 8))]
        return sorted(min(1.0, rng.choice(starts) + rng.uniform(0.0, 0.02)) for _ in range(n))
    return sorted(rng.uniform(begin, end) for _ in range(n))
