# SPDX-License-Identifier: Apache-2.0
"""The provider's portal as customers reach it: TLS on port 443 before posternd's API on loopback.

Runs on the lab's gateway: portal.py CERTIFICATE KEY API-PORT
"""
import socket
import ssl
import sys
import threading


def copy(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        pass
    finally:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def serve(raw, context, port):
    try:
        with context.wrap_socket(raw, server_side=True) as outside, socket.create_connection(("127.0.0.1", port)) as inside:
            back = threading.Thread(target=copy, args=(inside, outside), daemon=True)
            back.start()
            copy(outside, inside)
            back.join()
    except OSError:
        raw.close()


def main():
    certificate, key, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("::", 443), family=socket.AF_INET6, dualstack_ipv6=True)
    print("ready", flush=True)
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=serve, args=(raw, context, port), daemon=True).start()


main()
