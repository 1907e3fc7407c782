# SPDX-License-Identifier: Apache-2.0
"""One server's mail of some hours, drawn at random: its healthy users and, if asked for, one incident.

A scenario is a list of mails with who hands them in, from where and to whom. staging.py has real mail
servers carry it; logforms.py writes it down as their logs. The truth stays here: the doctor never sees it.
"""
import hashlib
import random

from habits import Habits, moments

CAUSES = ("password", "webmail", "form", "site", "server", "forwarding", "backscatter", "open_relay", "bulk", "direct")
HOST_V4 = "192.0.2.10"
SYLLABLES = ("ba be bi bo bu da de di do du fa fe fi ga go ha he ka ke ki ko la le li lo lu ma me mi mo mu na ne ni no "
             "pa pe pi po ra re ri ro ru sa se si so ta te ti to va ve vi wa we wi za ze").split()
TOPICS = ("invoice offer order delivery meeting question photos contract schedule parcel ticket holiday price list "
          "visit report reminder account notice update payment document voucher winner prize loan bonus").split()
ODD_FOLDERS = ("wp-content/uploads/{y}/{m}", "images", "cache", "tmp", "assets/fonts", "media/cache",
               "wp-content/uploads", "templates/css", ".well-known", "wp-includes/images")
FORM_PATHS = ("wp-content/plugins/contact-form-7/includes/mail.php", "contact.php", "kontakt/send.php",
              "wp-includes/pluggable.php", "vendor/phpmailer/phpmailer/src/PHPMailer.php",
              "components/com_users/models/registration.php", "index.php")


def word(rng, n=None):
    return "".join(rng.choice(SYLLABLES) for _ in range(n or rng.randint(2, 3)))


def refusal_draw(text, rcpt, sender):
    """0 to 1, for one mail: under a rule's share it is refused. Alike in real and in written runs, and in each run."""
    return int(hashlib.sha256((text + rcpt + sender).encode()).hexdigest()[:4], 16) / 0x10000


def subject(rng):
    return " ".join(rng.choice(TOPICS) for _ in range(rng.randint(2, 4))).capitalize()


class Scenario:
    """Without `causes` healthy mail only. `size` scales the volumes (1: tens of mails)."""

    def __init__(self, seed, causes=(), size=1.0, habits=None):
        self.rng = rng = random.Random(f"{seed}-{'+'.join(causes)}")
        self.seed, self.causes, self.size = seed, causes, size
        self.habits = habits or Habits()
        self.host = f"{word(rng, 1)}{rng.randint(1, 99)}.{word(rng)}.example"
        self.domains = [f"{word(rng)}-{word(rng)}.example" for _ in range(rng.randint(3, 5))]
        self.remote = [f"{word(rng)}{rng.randint(1, 9)}.test" for _ in range(12)]
        self.panel = rng.choice(("plesk", "cpanel", "directadmin", "plain"))
        self.php_log = rng.random() < 0.7        # PHP's mail.log is on
        self.exim_arguments = rng.random() < 0.7 # log_selector +arguments
        self.accounts, self.users, self.aliases, self.mailboxes = [], {}, {}, []
        self.dead, self.slow = set(), set()
        self.refused = []    # words in a body that the far side refuses
        self.open_nets = []  # who may relay without a login, by mistake
        self.mails, self.hits, self.logins = [], [], []
        self.truths = []
        self._legit()
        for cause in causes:
            self.truth = {"cause": "password" if cause == "webmail" else cause, "staged": cause, "names": []}
            before = len(self.mails)
            getattr(self, "_" + cause)()
            for mail in self.mails[before:]:
                mail["staged"] = cause
            self.truth["loud"] = cause == "backscatter" or self._is_loud(self.mails[before:])
            self.truths.append(self.truth)
        self.mails.sort(key=lambda m: m["t"])
        self.hits.sort(key=lambda h: h["t"])

    # ---- pieces ----

    def times(self, n):
        """n moments of a run that begins somewhere and takes a while."""
        return moments(self.rng, n, self.habits.paces)

    def _is_loud(self, mails):
        """Tens of mails with few refusals look like anybody's: those are found once somebody complains. Of strangers
        each is looked at for himself, and of what is forwarded how much is refused."""
        if self.truth["cause"] == "forwarding":
            rule, to = self.refused[-1], self.aliases[mails[0]["rcpts"][0]]
            refused = sum(refusal_draw(mail["body"], to, mail["sender"]) < rule["share"] for mail in mails)
            return refused >= max(6, len(mails) / 5)
        people = {}
        for mail in mails:
            people.setdefault(None if mail["auth"] or mail["user"] else mail["ip"], set()).update(mail["rcpts"])
        return any(len(p) >= 12 and len(p & self.dead) >= max(6, len(p) / 5) for p in people.values())

    def count(self, low, high):
        return max(low // 2, int(self.rng.randint(low, high) * self.size))

    def ip(self):
        return f"198.{self.rng.choice((18, 19))}.{self.rng.randint(0, 255)}.{self.rng.randint(1, 254)}"

    def domain(self):
        return self.rng.choice(self.domains)

    def user(self, domain):
        """A site's Unix user and its folder."""
        name = (domain.split(".")[0].replace("-", "")[:8] if self.rng.random() < 0.5 else word(self.rng)) + str(
            self.rng.randint(1, 99))
        home = {"plesk": f"/var/www/vhosts/{domain}/httpdocs", "cpanel": f"/home/{name}/public_html",
                "directadmin": f"/home/{name}/domains/{domain}/public_html",
                "plain": f"/var/www/{domain}"}[self.panel]
        while True:
            uid = self.rng.randint(10001, 19999)
            if uid not in [u["uid"] for u in self.users.values()]:
                break
        self.users[name] = {"uid": uid, "home": home, "domain": domain}
        return name

    def someone(self):
        return f"{word(self.rng)}.{word(self.rng)}{self.rng.choice(('', str(self.rng.randint(1, 999))))}" \
               f"@{self.rng.choice(self.remote)}"

    def people(self, n, dead=0.0, slow=0.0):
        found = set()
        while len(found) < n:
            found.add(self.someone())
        found = sorted(found)
        self.rng.shuffle(found)
        # Shares to the point for many; chance decides about one of few.
        gone = int(n * dead + self.rng.random())
        self.dead.update(found[:gone])
        self.slow.update(found[gone:gone + int(n * slow)])
        self.rng.shuffle(found)
        return found

    def account(self, domain=None):
        name = f"{word(self.rng)}@{domain or self.domain()}"
        self.accounts.append(name)
        return name

    def mail(self, t, sender, rcpts, **kw):
        m = {"t": t, "sender": sender, "rcpts": list(rcpts), "subject": kw.pop("subject", None) or subject(self.rng),
             "body": kw.pop("body", "text of a mail"), "with_id": kw.pop("with_id", True), "via": "smtp", "ip": None,
             "auth": None, "user": None, "script": None, "cwd": None}
        m.update(kw)
        self.mails.append(m)
        return m

    # ---- healthy mail ----

    def _legit(self):
        rng = self.rng
        for _ in range(rng.randint(3, 5)):
            self._person(self.account(), rng.random() < 0.25)
        if self.habits.wide:
            self._busy()
        self._shop()
        for t in self.times(rng.randint(2, 6)):
            self.mail(t, f"root@{self.host}", [f"admin@{self.remote[0]}"], via="local", user="root", cwd="/root",
                      subject="Cron <root> nightly report")
        if rng.random() < 0.5:
            ways = self.habits
            self._newsletter(self.count(25, 60), min(0.03, ways.list_dead[1]), ways.slow)
        forward = f"{word(rng)}@{self.domain()}"
        self.aliases[forward] = self.someone()
        for t in self.times(rng.randint(2, 6)):
            self.mail(t, self.someone(), [forward], ip=self.ip(), via="inbound")
        for _ in range(rng.randint(2, 3)):
            self.mailboxes.append(f"{word(rng)}@{self.domain()}")
        for t in self.times(rng.randint(5, 12)):
            self.mail(t, self.someone(), [rng.choice(self.mailboxes)], ip=self.ip(), via="inbound")
        for _ in range(rng.randint(3, 8)):
            # Strangers guess passwords, with names that look like log fields.
            self.logins.append({"t": rng.random(), "ip": self.ip(), "user": rng.choice(
                (f"info@{self.domain()}", f"x, sasl_username={self.accounts[0]}", "admin", "A=plain:root"))})

    def _person(self, name, webmail):
        rng = self.rng
        ways = self.habits
        known = self.people(rng.randint(*ways.known), dead=ways.dead, slow=ways.slow)
        homes = ["127.0.0.1"] if webmail else [self.ip() for _ in range(rng.choice(ways.homes))]
        sender = f"{word(rng)}@{self.domain()}" if rng.random() < ways.alias_share else name
        for t in self.times(rng.randint(*ways.mails)):
            text = None
            if rng.random() < 0.15:
                text = f'Re: " A=plain:{self.accounts[0]} [198.18.1.1] <= {self.accounts[0]}'
            self.mail(t, sender, rng.sample(known, min(len(known), rng.choice((1, 1, 1, 2, 3)))), auth=name,
                      ip=rng.choice(homes), subject=text)

    def _busy(self):
        """Healthy ones that are easily taken for others: many senders, many customers, one reader."""
        rng, ways = self.rng, self.habits
        if rng.random() < 0.4:
            # A help desk: an answer to each customer, from an address made for it.
            name = self.account()
            desk = name.split("@")[1]
            for t in self.times(rng.randint(10, 80)):
                self.mail(t, f"reply+{rng.randint(1, 9999)}@{desk}", self.people(1, ways.dead, ways.slow), auth=name,
                          ip="127.0.0.1", subject="Your request")
        if rng.random() < 0.4:
            # Invoices, each to somebody else, by a program with a login of its own.
            name = self.account()
            ip = self.ip()
            n = rng.randint(20, 200)
            for t, who in zip(self.times(n), self.people(n, ways.dead, ways.slow)):
                self.mail(t, name, [who], auth=name, ip=ip, subject=f"Invoice {rng.randint(1, 9999)}")
        if rng.random() < 0.4:
            # A form that strangers do not misuse: all goes to its owner.
            domain = self.domain()
            user = self.user(domain)
            home = self.users[user]["home"]
            owner = f"office@{rng.choice(self.remote)}"
            for t in self.times(rng.randint(5, 60)):
                self.mail(t, f"wordpress@{domain}", [owner], via="php", user=user, cwd=home,
                          script=f"{home}/{rng.choice(FORM_PATHS)}")
        if rng.random() < 0.4:
            # A site that greets those who register, with few that mistyped themselves.
            domain = self.domain()
            user = self.user(domain)
            home = self.users[user]["home"]
            n = rng.randint(10, 100)
            for t, who in zip(self.times(n), self.people(n, ways.dead, ways.slow)):
                self.mail(t, f"noreply@{domain}", [who], via="php", user=user, cwd=home, subject="Welcome",
                          script=f"{home}/wp-includes/pluggable.php")
        if rng.random() < 0.3:
            # A monitor of the machine.
            for t in self.times(rng.randint(10, 100)):
                self.mail(t, f"root@{self.host}", [f"pager@{self.remote[1]}"], via="sendmail", user="root", cwd="/")

    def _shop(self):
        """A shop: each order's notice goes to the customer and to the owner."""
        rng = self.rng
        domain = self.domain()
        user = self.user(domain)
        owner = f"owner@{rng.choice(self.remote)}"
        script = f"{self.users[user]['home']}/{rng.choice(('checkout.php', 'wp-includes/pluggable.php'))}"
        for t in self.times(rng.randint(4, 14)):
            self.mail(t, f"shop@{domain}", [self.people(1, dead=self.habits.dead)[0], owner], via="php", user=user, script=script,
                      cwd=self.users[user]["home"], subject="Your order")

    def _newsletter(self, n, dead, slow):
        rng = self.rng
        domain = self.domain()
        title = subject(rng)
        if rng.random() < 0.5:
            name = self.account(domain)
            ip = self.ip()
            for t, who in zip(self.times(n), self.people(n, dead, slow)):
                self.mail(t, name, [who], auth=name, ip=ip, subject=title)
            return [name]
        user = self.user(domain)
        script = f"{self.users[user]['home']}/newsletter/send.php"
        for t, who in zip(self.times(n), self.people(n, dead, slow)):
            self.mail(t, f"news@{domain}", [who], via="php", user=user, script=script,
                      cwd=self.users[user]["home"], subject=title)
        return self._names_of(user)

    def _names_of(self, user):
        return [user, f"uid {self.users[user]['uid']}"]

    # ---- incidents ----

    def _spam_people(self, n):
        ways = self.habits
        return self.people(n, dead=self.rng.uniform(*ways.spam_dead), slow=self.rng.uniform(*ways.spam_slow))

    def _spam_body(self):
        mark = word(self.rng, 4)
        if self.rng.random() < self.habits.spam_refused:
            self.refused.append({"word": mark, "share": self.rng.uniform(*self.habits.refused_share)})
        return f"click here {mark} now"

    def _password(self, clients=None):
        rng = self.rng
        name = rng.choice(self.accounts) if rng.random() < 0.5 else self.account()
        ips = clients or [self.ip() for _ in range(rng.choice((1, 2, 3, 6, 12, 30, 60)))]
        body, many, forged = self._spam_body(), rng.choice((1, 1, 2, 5, 20)), rng.random() < 0.3
        people = self._spam_people(self.count(30, 110))
        batches = [people[i:i + many] for i in range(0, len(people), many)]
        for t, to in zip(self.times(len(batches)), batches):
            self.mail(t, self.someone() if forged else name, to, auth=name, ip=rng.choice(ips), body=body,
                      with_id=rng.random() < 0.7)
        self.truth["names"] = [name]

    def _webmail(self):
        self._password(["127.0.0.1"])

    def _form(self):
        """A contact form with a copy to whoever the visitor says he is."""
        rng = self.rng
        domain = self.domain()
        user = self.user(domain)
        owner = f"{word(rng)}@{rng.choice(self.remote)}"
        path = rng.choice(FORM_PATHS)
        script = f"{self.users[user]['home']}/{path}"
        page = "/" + (path if path.endswith(("contact.php", "send.php", "index.php")) else word(rng) + "/")
        body, title = self._spam_body(), subject(rng)
        n = self.count(30, 90)
        ips = [self.ip() for _ in range(rng.choice((1, 3, 20)))]
        sender = f"{rng.choice(('wordpress', 'info', 'noreply'))}@{domain}"
        for t, who in zip(self.times(n), self._spam_people(n)):
            if rng.random() < 0.5:
                self.mail(t, sender, [who, owner], via="php", user=user, script=script, body=body, subject=title,
                          cwd=self.users[user]["home"])
            else:
                for to in (owner, who):
                    self.mail(t, sender, [to], via="php", user=user, script=script, body=body, subject=title,
                              cwd=self.users[user]["home"])
            self.hits.append({"t": t, "ip": rng.choice(ips), "domain": domain, "request": f"POST {page} HTTP/1.1"})
        self.truth.update(names=self._names_of(user), script=script, page=page)

    def _site(self):
        rng = self.rng
        domain = self.domain()
        user = self.user(domain)
        home = self.users[user]["home"]
        folder = rng.choice(ODD_FOLDERS).format(y=rng.randint(2019, 2026), m=f"{rng.randint(1, 12):02}")
        name = rng.choice((word(rng, 3), f"wp-{word(rng, 1)}", "".join(rng.choice("abcdef0123456789") for _ in range(8))))
        path = f"{folder}/{name}.php"
        script = f"{home}/{path}"
        body = self._spam_body()
        people = self._spam_people(self.count(30, 120))
        senders = [f"{word(rng)}@{domain}" if rng.random() < 0.6 else self.someone()
                   for _ in range(rng.choice((1, 3, 20)))]
        ips = [self.ip() for _ in range(rng.choice((1, 1, 3)))]
        per_hit = rng.choice((1, 5, 20, 200))
        moments = self.times(len(people))
        for i, who in enumerate(people):
            t = moments[i - i % per_hit]
            self.mail(t, rng.choice(senders), [who], via=rng.choice(("php", "php", "sendmail")), user=user,
                      script=script, cwd=f"{home}/{folder}", body=body, with_id=rng.random() < 0.4)
            if i % per_hit == 0:
                self.hits.append({"t": t, "ip": rng.choice(ips), "domain": domain,
                                  "request": f"POST /{path} HTTP/1.1"})
        self.truth.update(names=self._names_of(user), script=script)

    def _server(self):
        """Somebody is in: root, or a daemon's user, sends."""
        rng = self.rng
        user = rng.choice(("root", "root", "daemon", "bin", "nobody"))
        cwd = rng.choice(("/root", "/", "/tmp", "/dev/shm", "/var/tmp/.x"))
        body = self._spam_body()
        people = self._spam_people(self.count(30, 110))
        for t, who in zip(self.times(len(people)), people):
            self.mail(t, self.someone() if rng.random() < 0.7 else f"{user}@{self.host}", [who], via="sendmail",
                      user=user, cwd=cwd, body=body, with_id=rng.random() < 0.5)
        uid = {"root": 0, "daemon": 1, "bin": 2, "nobody": 65534}[user]
        self.truth["names"] = [user, f"uid {uid}"]

    def _forwarding(self):
        rng = self.rng
        name = f"{word(rng)}@{self.domain()}"
        self.aliases[name] = self.someone()
        body = self._spam_body()
        self.refused = [r for r in self.refused if r["word"] not in body]
        self.refused.append({"word": body.split()[2], "share": rng.uniform(0.3, 0.9)})
        for t in self.times(self.count(30, 90)):
            self.mail(t, self.someone(), [name], ip=self.ip(), via="inbound", body=body)
        self.truth["names"] = [name]

    def _backscatter(self):
        rng = self.rng
        domain = self.domain()
        for t in self.times(self.count(40, 100)):
            self.mail(t, self.people(1, dead=0.5)[0], [f"{word(rng)}{rng.randint(1, 99999)}@{domain}"], ip=self.ip(),
                      via="inbound", body="spam")
        self.truth["names"] = ["bounces", domain, f"<>"]

    def _open_relay(self):
        rng = self.rng
        ips = [self.ip() for _ in range(rng.choice((1, 1, 2)))]
        self.open_nets += ips
        body = self._spam_body()
        people = self._spam_people(self.count(30, 100))
        many = rng.choice((1, 1, 3, 10))
        batches = [people[i:i + many] for i in range(0, len(people), many)]
        for t, to in zip(self.times(len(batches)), batches):
            self.mail(t, self.someone(), to, ip=rng.choice(ips), body=body)
        self.truth["names"] = ips

    def _bulk(self):
        """Own bulk mail to an old list; people complain, so its ids are known."""
        ways = self.habits
        self.truth["names"] = self._newsletter(self.count(60, 120), self.rng.uniform(*ways.list_dead), ways.list_slow)

    def _direct(self):
        rng = self.rng
        user = self.user(self.domain())
        body = self._spam_body()
        people = []
        while len({who.split("@")[1] for who in people}) < 6:  # a few connections alone say nothing
            people = self._spam_people(self.count(20, 50))
        # It lies in the site's folder under a name that says nothing, or another program's.
        folder = f"{self.users[user]['home']}/{rng.choice(('.cache', 'tmp', 'images'))}"
        program = f"{folder}/{rng.choice((word(rng), '.' + word(rng), 'smtp', 'httpd', 'php-fpm'))}"
        for t, who in zip(self.times(len(people)), people):
            self.mail(t, self.someone(), [who], via="direct", user=user, body=body)
        self.truth.update(names=self._names_of(user), program=program, cwd=folder, uid=self.users[user]["uid"])
