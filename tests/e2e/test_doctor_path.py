# SPDX-License-Identifier: Apache-2.0
"""doctor path on trees as hosting servers have them, and on one that means harm."""
import json
import os
import subprocess
import time

import pytest

SECRET = "Hunter2-secret"

PLAIN = {
    "etc/postfix/main.cf": """\
# relayhost = commented.example
myhostname = mail.a.example
relayhost =
smtp_sasl_auth_enable = no
transport_maps = hash:/etc/postfix/transport
default_transport = smtp
""",
    "etc/postfix/transport": "# x\nbig.example  smtp:[in.big.example]:587\nold.example\trelay:old-relay.example\nlocal.example local:\nscan.example smtp:[127.0.0.1]:10024\n",
    "etc/postfix/master.cf": "smtp  inet n - y - - smtpd\nsmtp  unix - - y - - smtp\nrelay unix - - y - - smtp\n  -o x=y\nlocal unix - n n - - local\n",
    "etc/php/8.2/fpm/pool.d/www.conf": "[www]\n;php_admin_value[sendmail_path] = /x\nphp_admin_value[sendmail_path] = /usr/bin/msmtp -t --host=out.example --port=2525\n",
    "etc/php/8.2/apache2/php.ini": "[mail function]\nSMTP = mail.win.example\nsmtp_port = 25\nsendmail_path = \"/usr/sbin/sendmail -t -i\"\n",
    "etc/msmtprc": f"defaults\ntls on\nauth on\naccount a\nhost smtp.a.example\nport 587\nuser x\npassword {SECRET}\n",
    "etc/nullmailer/remotes": f"r1.example smtp --port=587 --starttls --user=u --pass={SECRET}\nr2.example\n",
    "etc/ssmtp/ssmtp.conf": f"mailhub=hub.example:465\nUseTLS=YES\nAuthUser=u\nAuthPass={SECRET}\n",
    "etc/apache2/sites-available/shop.conf": '<VirtualHost *:80>\n  DocumentRoot "/srv/shop/public"\n</VirtualHost>\n',
    "etc/nginx/conf.d/n.conf": "server { listen 80;\n  root /data/cloud;\n}\n",
    "srv/shop/.env": f"APP=x\nMAIL_MAILER=smtp\nMAIL_HOST=smtp.shop.example\nMAIL_PORT=25\nMAIL_USERNAME=me\nMAIL_PASSWORD={SECRET}\n",
    "srv/shop/public/index.php": "<?php\n",
    "data/cloud/config/config.php": f"<?php $CONFIG = array ('instanceid' => 'x', 'mail_smtpmode' => 'smtp', 'mail_smtphost' => 'mx.cloud.example',\n"
                                    f" 'mail_smtpport' => '465', 'mail_smtpauth' => 1, 'mail_smtppassword' => '{SECRET}',);\n",
    "var/www/html/wp-config.php": f"<?php // define('WPMS_ON', true);\ndefine('DB_PASSWORD', '{SECRET}');\n",
    "var/www/html/wp-content/plugins/hello.php": "",
    "var/www/plug/wp-config.php": "<?php\n",
    "var/www/plug/wp-content/plugins/wp-mail-smtp/x.php": "",
    "var/www/consts/wp-config.php": f"<?php define( 'WPMS_ON', true ); define( 'WPMS_SMTP_HOST', 'wp.example' ); define('WPMS_SMTP_PORT', 587);\n"
                                    f"define('WPMS_SMTP_AUTH', true); define('WPMS_SMTP_PASS', '{SECRET}');\n",
    "var/www/joomla/configuration.php": f"<?php class JConfig {{ public $mailer = 'smtp'; public $smtphost = 'localhost'; public $smtpport = '25'; public $smtppass = '{SECRET}'; }}\n",
    "var/www/joomla2/configuration.php": "<?php class JConfig { public $mailonline = '1'; public $mailer = 'smtp'; public $smtphost = 'mail.j.example';"
                                         " public $smtpport = '25'; public $smtpauth = '1'; }\n",
    "var/www/drupal/sites/default/settings.php": "<?php $databases = array(); $config['smtp.settings']['smtp_host'] = 'd.example';\n"
                                                 "$config['smtp.settings']['smtp_port'] = '587'; $config['smtp.settings']['smtp_username'] = 'u';\n",
    "var/www/typo/typo3conf/LocalConfiguration.php": "<?php return ['MAIL' => ['transport' => 'smtp', 'transport_smtp_server' => 't.example:25']];\n",
    "var/www/presta/app/config/parameters.php": "<?php return ['parameters' => ['database_prefix' => 'ps_', 'mailer_transport' => 'smtp']];\n",
    "var/www/sym/.env": f"MAILER_DSN=smtp://user:{SECRET}@dsn.example:587\n",
    "var/www/log/.env": "MAIL_MAILER=log\nMAIL_HOST=x.example\n",
    "home/joe/public_html/wp-config.php": "<?php\n",
    "home/ann/domains/a.example/public_html/.env": "MAIL_HOST=ann.example\nMAIL_PORT=587\n",
    "var/www/vhosts/p.example/httpdocs/wp-config.php": "<?php\n",
    "var/www/vhosts/system/p.example/conf/httpd.conf": "DocumentRoot /opt/odd/web\n",
    "opt/odd/web/.env": "MAIL_DRIVER=sendmail\n",
}

# (what, end of the file): (way, host, port, login, breaks)
EXPECTED = {
    ("postfix", "/postfix/main.cf"): [("direct", None, None, None, True)],
    ("postfix", "/postfix/transport"): [("local", "127.0.0.1", 10024, False, False), ("relay", "in.big.example", 587, False, False),
                                        ("relay", "old-relay.example", 25, False, True)],
    ("php", "/pool.d/www.conf"): [("relay", "out.example", 2525, None, False)],
    ("php", "/apache2/php.ini"): [("local", "sendmail", None, None, False), ("none", "mail.win.example", 25, None, False)],
    ("msmtp", "/etc/msmtprc"): [("relay", "smtp.a.example", 587, True, False)],
    ("nullmailer", "/nullmailer/remotes"): [("relay", "r1.example", 587, True, False), ("relay", "r2.example", 25, False, True)],
    ("ssmtp", "/ssmtp.conf"): [("relay", "hub.example", 465, True, False)],
    ("laravel", "/srv/shop/.env"): [("relay", "smtp.shop.example", 25, True, True)],
    ("nextcloud", "/data/cloud/config/config.php"): [("relay", "mx.cloud.example", 465, True, False)],
    ("wordpress", "/html/wp-config.php"): [("local", None, None, None, False)],
    ("wordpress", "/plug/wp-config.php"): [("unknown", None, None, None, None)],
    ("wordpress", "/consts/wp-config.php"): [("relay", "wp.example", 587, True, False)],
    ("joomla", "/joomla/configuration.php"): [("local", "localhost", 25, False, False)],
    ("joomla", "/joomla2/configuration.php"): [("relay", "mail.j.example", 25, True, True)],
    ("drupal", "/default/settings.php"): [("relay", "d.example", 587, True, False)],
    ("typo3", "/LocalConfiguration.php"): [("relay", "t.example", 25, False, True)],
    ("prestashop", "/parameters.php"): [("unknown", None, None, None, None)],
    ("symfony", "/sym/.env"): [("relay", "dsn.example", 587, True, False)],
    ("laravel", "/log/.env"): [("none", None, None, None, False)],
    ("wordpress", "/home/joe/public_html/wp-config.php"): [("local", None, None, None, False)],
    ("laravel", "/home/ann/domains/a.example/public_html/.env"): [("relay", "ann.example", 587, False, False)],
    ("wordpress", "/p.example/httpdocs/wp-config.php"): [("local", None, None, None, False)],
    ("laravel", "/opt/odd/web/.env"): [("local", None, None, None, False)],
}


def plant(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)


def path(built, root, *arguments, seconds=30):
    done = subprocess.run([os.path.join(built, "src", "cli", "postern"), "doctor", "path", "--root", str(root), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def look(built, root):
    code, out, err = path(built, root, "--json")
    assert code in (0, 3), err
    answer = json.loads(out)
    assert answer["breaks"] is (code == 3)
    return answer


def test_a_hosting_server(built, tmp_path):
    plant(tmp_path, PLAIN)
    os.makedirs(tmp_path / "etc/apache2/sites-enabled")
    os.symlink("/etc/apache2/sites-available/shop.conf", tmp_path / "etc/apache2/sites-enabled/shop.conf")
    answer = look(built, tmp_path)
    found = {}
    for i in answer["items"]:
        key = [k for k in EXPECTED if k[0] == i["what"] and i["file"].endswith(k[1])]
        assert len(key) == 1, i
        found.setdefault(key[0], []).append((i["way"], i["host"], i["port"], i["login"], i["breaks"]))
        assert i["why"] and i["instead"]
    assert {k: sorted(v, key=str) for k, v in found.items()} == {k: sorted(v, key=str) for k, v in EXPECTED.items()}
    assert answer["breaks"] is True and answer["unread"] == 0 and answer["left_out"] == 0
    code, text, _ = path(built, tmp_path)
    assert code == 3 and SECRET not in text and SECRET not in json.dumps(answer)
    assert text.startswith("BREAKS") and "relayhost = [RELAY]:587" in text


@pytest.mark.parametrize("files,expected", [
    ({"etc/postfix/main.cf": "relay = [out.example]:587\nrelayhost = $relay\nsmtp_sasl_auth_enable = yes\n"}, ("relay", "out.example", 587, True, False)),
    ({"etc/postfix/main.cf": "relayhost =\n  [2001:db8::25]:465\n"}, ("relay", "2001:db8::25", 465, False, False)),
    ({"etc/postfix/main.cf": "relayhost = mx.example\nsmtp_tls_wrappermode = yes\n"}, ("relay", "mx.example", 465, False, False)),
    ({"etc/postfix/main.cf": "default_transport = error:no\n"}, ("none", None, None, None, False)),
    ({"etc/exim4/update-exim4.conf.conf": "dc_eximconfig_configtype='smarthost'\ndc_smarthost='s.example::587'\n"}, ("relay", "s.example", 587, False, False)),
    ({"etc/exim4/update-exim4.conf.conf": "dc_eximconfig_configtype='internet'\ndc_smarthost=''\n"}, ("direct", None, None, None, True)),
    ({"etc/exim4/update-exim4.conf.conf": "dc_eximconfig_configtype='local'\n"}, ("none", None, None, None, False)),
    ({"etc/exim.conf": "begin routers\nsmart:\n  driver = manualroute\n  route_list = * relay.example::587\n"}, ("relay", "relay.example", 587, None, False)),
    ({"etc/exim.conf": "begin routers\nx:\n  driver = dnslookup\n"}, ("direct", None, None, None, True)),
    ({"etc/mail/sendmail.cf": "# x\nDSrelay.example\nMrelay, P=[IPC], A=TCP $h 587\n"}, ("relay", "relay.example", 587, False, False)),
    ({"etc/mail/sendmail.cf": "DS\n"}, ("direct", None, None, None, True)),
    ({"etc/mail/sendmail.cf": "DSesmtp:[10.0.0.5]\n"}, ("relay", "10.0.0.5", 25, False, True)),
])
def test_mail_servers(built, tmp_path, files, expected):
    plant(tmp_path, files)
    items = look(built, tmp_path)["items"]
    assert [(i["way"], i["host"], i["port"], i["login"], i["breaks"]) for i in items] == [expected]


def test_nothing_there(built, tmp_path):
    code, out, _ = path(built, tmp_path)
    assert code == 0 and "No settings" in out
    assert path(built, tmp_path / "missing")[0] == 4


def test_a_tree_that_means_harm(built, tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    plant(outside, {"wp-config.php": "<?php define('WPMS_ON', true); define('WPMS_SMTP_HOST', 'outside.example');", "main.cf": "relayhost = outside.example\n",
                    "vhost.conf": "DocumentRoot /var/www/x\n"})
    www = root / "var/www"
    for name in ("a", "loop", "deep", "many", "fifo", "big", "odd"):
        (www / name).mkdir(parents=True)
    os.symlink(str(outside), www / "a/link")
    os.symlink("../../../../../../../../.." + str(outside) + "/wp-config.php", www / "a/wp-config.php")
    os.symlink("..", www / "loop/up")
    os.symlink("self", www / "loop/self")
    (root / "etc/postfix").mkdir(parents=True)
    os.symlink(str(outside / "main.cf"), root / "etc/postfix/main.cf")
    (root / "etc/nginx").mkdir()
    os.symlink("/etc/nginx/b", root / "etc/nginx/a")
    os.symlink("/etc/nginx/a", root / "etc/nginx/b")
    os.symlink("/etc/nginx/a", root / "etc/nginx/sites-enabled")
    os.symlink("../../../../../../../.." + str(outside), root / "etc/nginx/conf.d")
    for name in ("wp-config.php", ".env", "configuration.php"):
        os.mkfifo(www / "fifo" / name)
    os.symlink("/dev/zero", www / "fifo/settings.php")
    with open(www / "big/wp-config.php", "wb") as big:
        big.truncate(1 << 40)
    deep = www / "deep"
    for _ in range(60):
        deep = deep / "d"
        deep.mkdir()
    (deep / ".env").write_text("MAIL_HOST=deep.example\n")
    for n in range(6000):
        (www / "many" / f"f{n}").touch()
    (www / "odd/.env").write_bytes(b"MAIL_HOST=\x1b]0;x\x07evil \xff\x00\nMAIL_PORT=99999999999\n")
    (www / "odd/wp-config.php").write_bytes(b"<?php /* " + b"'" * 5000 + b"define('WPMS_ON'")
    (www / ("n\x1b[31m" + "x" * 100)).mkdir()
    (www / ("n\x1b[31m" + "x" * 100) / "wp-config.php").write_text("<?php define('WPMS_ON',true);define('WPMS_SMTP_HOST', 'a\\'b@\x1b');")
    began = time.monotonic()
    answer = look(built, root)
    code, text, _ = path(built, root)
    assert time.monotonic() - began < 20
    both = json.dumps(answer) + text
    assert "outside.example" not in both and "deep.example" not in both and "\x1b" not in text
    assert answer["unread"] >= 4 and answer["left_out"] >= 1


def test_cut_and_flipped_settings_do_no_harm(built, tmp_path):
    plant(tmp_path, PLAIN)
    names = list(PLAIN)
    for n in range(24):
        for k, name in enumerate(names):
            octets = bytearray(PLAIN[name].encode())
            if not octets:
                continue
            at = (n * 7919 + k * 104729) % len(octets)
            if n % 2:
                octets = octets[:at]
            else:
                octets[at] ^= 1 << (n % 8)
            (tmp_path / name).write_bytes(octets)
        look(built, tmp_path)
