"""Frames that a POD may send, and such that it may not; and who hears them. Root of the POD, with a packet socket.

    frames.py listen                    prints "ready", then, when the last frame has come, the names of those heard as JSON
    frames.py send VICTIM               sends one of each kind; VICTIM is another POD's address
"""
import errno
import fcntl
import json
import socket
import struct
import sys

BROADCAST = b'\xff' * 6
SOMEBODY = bytes.fromhex('02000000beef')
mark = b'frame of a test: '


def own(request):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        return fcntl.ioctl(any_socket, request, struct.pack('256s', b'eth0'))


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def arp(name, ether, sender, address, operation=2):
    return BROADCAST + ether + struct.pack('!HHHBBH', 0x0806, 1, 0x0800, 6, 4, operation) + sender + address + BROADCAST + address + mark + name


def ip(name, ether, source, protocol=17, payload=struct.pack('!4H', 4000, 9, 0, 0)):
    payload += mark + name
    header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, b'\xff' * 4)
    return BROADCAST + ether + struct.pack('!H', 0x0800) + header[:10] + struct.pack('!H', checksum(header)) + header[12:] + payload


def ip6(name, ether, source, kind, target):
    payload = struct.pack('!BBHI', kind, 0, 0, 0) + target + mark + name
    header = struct.pack('!IHBB', 0x60000000, len(payload), 58, 255) + source + bytes.fromhex('ff020000000000000000000000000001')
    return bytes.fromhex('333300000001') + ether + struct.pack('!H', 0x86DD) + header + payload


def frames(victim):
    mac, address = own(0x8927)[18:24], own(0x8915)[20:24]
    local = bytes.fromhex('fe80000000000000') + bytes([mac[0] ^ 2]) + mac[1:3] + b'\xff\xfe' + mac[3:]
    other = local[:15] + bytes([local[15] ^ 1])
    return {
        'own address': lambda name: arp(name, mac, mac, address),
        'own packet': lambda name: ip(name, mac, address),
        'own IPv6 address': lambda name: ip6(name, mac, local, 136, local),
        'the address of another POD': lambda name: arp(name, mac, mac, victim),
        'the address of another POD, asked for': lambda name: arp(name, mac, mac, victim, operation=1),
        'the MAC of another inside ARP': lambda name: arp(name, mac, SOMEBODY, address),
        'the MAC of another': lambda name: arp(name, SOMEBODY, mac, address),
        'the MAC of another, with a packet': lambda name: ip(name, SOMEBODY, address),
        'a packet from another address': lambda name: ip(name, mac, victim),
        'a packet from nowhere': lambda name: ip(name, mac, bytes(4)),
        'an answer of a DHCP server': lambda name: ip(name, mac, address, payload=struct.pack('!4H', 67, 68, 0, 0)),
        'an ICMP redirect': lambda name: ip(name, mac, address, protocol=1, payload=struct.pack('!BBHI', 5, 1, 0, 0)),
        'an IPv6 address of another': lambda name: ip6(name, mac, other, 136, local),
        'a neighbour that is another': lambda name: ip6(name, mac, local, 136, other),
        'an IPv6 router': lambda name: ip6(name, mac, local, 134, bytes(16)),
        'another protocol': lambda name: BROADCAST + mac + struct.pack('!H', 0x88B5) + mark + name,
        'the last': lambda name: arp(name, mac, mac, address),
    }


sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
sock.bind(('eth0', 0))
if sys.argv[1] == 'send':
    for name, make in frames(socket.inet_aton(sys.argv[2])).items():
        try:
            sock.send(make(name.encode()))
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # how a filter at the sending end shows
                raise
else:
    sock.settimeout(20)
    print('ready', flush=True)
    heard = []
    while 'the last' not in heard:
        frame = sock.recv(2048)
        if mark in frame:
            heard.append(frame.split(mark, 1)[1].rstrip(b'\0').decode())
    print(json.dumps(heard))
