# SPDX-License-Identifier: Apache-2.0
"""Frames "from" somebody else: whole one-sided SMTP sessions full of spam. Runs in a machine of the lab.

forge.py DEVICE GATEWAY_MAC SOURCE DESTINATION SESSIONS FOLDER
For each session it sends what a client would: SYN, ACK, the envelope, the mail of the next file,
QUIT, FIN. Nobody answers it, so the acknowledgement numbers are guesses.
"""
import fcntl
import ipaddress
import os
import random
import socket
import struct
import sys
import time

SIOCGIFHWADDR = 0x8927
FIN, SYN, ACK, PSH = 1, 2, 16, 8


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Forger:
    def __init__(self, device, gateway_mac, source, destination):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((device, 0))
        own = fcntl.ioctl(self.socket, SIOCGIFHWADDR, struct.pack("256s", device.encode()))[18:24]
        self.source, self.destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
        kind = 0x0800 if self.source.version == 4 else 0x86DD
        self.ethernet = bytes.fromhex(gateway_mac.replace(":", "")) + own + struct.pack("!H", kind)

    def segment(self, sport, seq, ack, flags, data=b""):
        tcp = struct.pack("!HHIIBBHHH", sport, 25, seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 64240, 0, 0) + data
        addresses = self.source.packed + self.destination.packed
        if self.source.version == 4:
            pseudo = addresses + struct.pack("!BBH", 0, 6, len(tcp))
        else:
            pseudo = addresses + struct.pack("!IHBB", len(tcp), 0, 0, 6)
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        if self.source.version == 4:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), random.randrange(65536), 0x4000, 64, 6, 0) + addresses
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        else:
            head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + addresses
        self.socket.send(self.ethernet + head + tcp)

    def session(self, mail, pause):
        sport, seq, ack = random.randrange(20000, 60000), random.getrandbits(32), random.getrandbits(32)
        self.segment(sport, seq, 0, SYN)
        seq += 1
        time.sleep(pause)
        self.segment(sport, seq, ack, ACK)
        body = mail.replace(b"\r\n", b"\n").replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")
        talk = (b"EHLO mail.alder.example\r\nMAIL FROM:<office@alder.example>\r\nRCPT TO:<nosuch1@post.test>\r\n"
                b"RCPT TO:<nosuch2@post.test>\r\nDATA\r\n" + body + b"\r\n.\r\nQUIT\r\n")
        for at in range(0, len(talk), 1400):
            piece = talk[at:at + 1400]
            self.segment(sport, seq, ack, ACK | PSH, piece)
            seq += len(piece)
        self.segment(sport, seq, ack, ACK | FIN)


def main():
    device, mac, source, destination, sessions, folder = sys.argv[1:7]
    forger = Forger(device, mac, source, destination)
    names = sorted(os.listdir(folder))
    for number in range(int(sessions)):
        with open(os.path.join(folder, names[number % len(names)]), "rb") as mail:
            forger.session(mail.read(), 0.01)
    print(f"forged {sessions} sessions")


main()
