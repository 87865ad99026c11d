"""A program: bridges two interfaces, and does to each frame what it is told, by chance: bridge.py ONE OTHER loses|duplicates|reorders|corrupts|passes."""

import random
import select
import socket
import sys

ETH_P_ALL = 3
PACKET_OUTGOING = 4
# Ethernet's, IPv4's and the ports: what is behind them is covered by a checksum of TCP or UDP alone.
HEADERS = 14 + 20 + 8
PROTOCOL = 14 + 9
TCP_FLAGS = 14 + 20 + 13
RST = 4
EVERY = 10

one, other, does = sys.argv[1:]
chance = random.Random(20)


def interface(name):
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    opened.bind((name, ETH_P_ALL))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return opened


def send(to, frame):
    try:
        to.send(frame)
    except OSError:
        pass  # full, or down: a link may lose what it likes


def is_reset(frame):
    """Of TCP over IPv4. It is never sent again: a peer that misses it would notice only at its next keep-alive."""
    return len(frame) > TCP_FLAGS and frame[PROTOCOL] == socket.IPPROTO_TCP and frame[TCP_FLAGS] & RST != 0


ends = {}
left, right = interface(one), interface(other)
ends[left], ends[right] = right, left
held = {left: None, right: None}
print('bridges', flush=True)
while True:
    ready, _, _ = select.select(list(ends), [], [], 0.02)
    for end in ready:
        frame, address = end.recvfrom(65_536)
        if address[2] == PACKET_OUTGOING:
            continue
        to = ends[end]
        if does != 'passes' and not is_reset(frame) and chance.randrange(EVERY) == 0:
            if does == 'loses':
                continue
            if does == 'duplicates':
                send(to, frame)
            if does == 'reorders' and held[end] is None:
                held[end] = frame
                continue
            if does == 'corrupts' and len(frame) > HEADERS:
                at = chance.randrange(HEADERS, len(frame))
                frame = frame[:at] + bytes([frame[at] ^ 1 << chance.randrange(8)]) + frame[at + 1 :]
        send(to, frame)
        if held[end] is not None:
            send(to, held[end])
            held[end] = None
    if not ready:
        for end, frame in held.items():
            if frame is not None:
                send(ends[end], frame)
                held[end] = None
