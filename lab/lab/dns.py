# SPDX-License-Identifier: Apache-2.0
"""Debian's unbound as the whole world's name service: every name of the lab, both ways."""
import ipaddress
import shutil
import subprocess
import time

from .ns import LabError


def local_data(hosts, mail_domains, aliases):
    """hosts: {name: [addresses]}; mail_domains: {domain: mail host}; aliases: as hosts, without names of the addresses."""
    lines = [f'local-data: "{name}. 300 IN {"AAAA" if ":" in a else "A"} {a}"' for name, addresses in aliases.items() for a in addresses]
    for name, addresses in hosts.items():
        for address in addresses:
            ip = ipaddress.ip_address(address)
            kind = "A" if ip.version == 4 else "AAAA"
            lines.append(f'local-data: "{name}. 300 IN {kind} {address}"')
            lines.append(f'local-data-ptr: "{address} 300 {name}"')
    for domain, host in mail_domains.items():
        lines.append(f'local-data: "{domain}. 300 IN MX 10 {host}."')
        lines.append(f"local-data: '{domain}. 300 IN TXT \"v=spf1 mx -all\"'")
    return lines


class Resolver:
    def __init__(self, machine, addresses, hosts, mail_domains, aliases=None):
        self.machine = machine
        self.addresses = addresses
        listen = "\n".join(f"  interface: {a}" for a in addresses)
        data = "\n".join("  " + line for line in local_data(hosts, mail_domains, aliases or {}))
        machine.write("unbound.conf", f"""server:
{listen}
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  directory: "/"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "{machine.file("unbound.log")}"
  module-config: "iterator"
  num-threads: 1
  root-hints: ""
  local-zone: "." static
  local-zone: "example." transparent
  local-zone: "test." transparent
  local-zone: "in-addr.arpa." transparent
  local-zone: "ip6.arpa." transparent
{data}
remote-control:
  control-enable: no
""")

    def start(self):
        if shutil.which("unbound", path="/usr/sbin:/usr/bin") is None:
            raise LabError("no unbound: apt-get install unbound")
        self.machine.popen(["unbound", "-d", "-c", self.machine.file("unbound.conf")],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_ready(self, name, deadline_s=10):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            code, out, _ = self.machine.try_run(["dig", "+short", "+time=1", "+tries=1", f"@{self.addresses[0]}", name])
            if code == 0 and out.strip():
                return
            time.sleep(0.05)
        raise LabError("the resolver does not answer")
