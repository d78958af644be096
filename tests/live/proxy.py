#!/usr/bin/env python3
"""A reverse proxy on loopback that puts headers into each request: `proxy.py LISTEN TARGET 'Name: value' …`."""

import socket
import socketserver
import sys
import threading

LISTEN, TARGET, ADDED = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for side in (source, sink):
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Handler(socketserver.BaseRequestHandler):
    """One connection: the first request's head is rewritten, everything after it goes through as it is."""

    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.request.recv(4096)
            if not part or len(head) > 65536:
                return
            head += part
        head, _, rest = head.partition(b"\r\n\r\n")
        names = {line.split(":")[0].strip().lower() for line in ADDED}
        lines = head.decode("latin-1").split("\r\n")
        kept = [line for line in lines[1:] if line.split(":")[0].strip().lower() not in names]
        with socket.create_connection(("127.0.0.1", TARGET)) as upstream:
            upstream.sendall("\r\n".join([lines[0], *kept, *ADDED]).encode("latin-1") + b"\r\n\r\n" + rest)
            threading.Thread(target=pump, args=(upstream, self.request), daemon=True).start()
            pump(self.request, upstream)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", LISTEN), Handler).serve_forever()
