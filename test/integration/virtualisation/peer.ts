/**
 * The other end of the network probes: outside the PODs, one process that stays where it is.
 *
 * The first line of a connection is a command (cases/network.py tells them); "ok" is the answer, and the rest of the connection is the command's. A
 * connection is named by its far end, `address:port`, which must stay the same however often the POD moves.
 */
import { createHash, type Hash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';

export interface Peer extends AsyncDisposable {
  port: number;
}

/** What a connection was sent, once its far end has ended. */
interface Receipt {
  bytes: number;
  hash: Hash;
  ended: Promise<void>;
}

export async function startPeer(address: string): Promise<Peer> {
  const sockets = new Set<Socket>();
  const held = new Map<string, () => void>();
  const receipts = new Map<string, Receipt>();
  const timers = new Set<NodeJS.Timeout>();

  const count = (socket: Socket, name: string): Receipt => {
    const receipt: Receipt = { bytes: 0, hash: createHash('sha256'), ended: new Promise((resolve) => socket.once('end', resolve)) };
    receipts.set(name, receipt);
    socket.on('data', (data) => {
      receipt.bytes += data.length;
      receipt.hash.update(data);
    });
    socket.resume();
    return receipt;
  };

  const commands: Record<string, (socket: Socket, name: string, argument: string) => void | Promise<void>> = {
    echo: (socket) => void socket.pipe(socket),
    dial(socket, _name, port) {
      const dialled = connect({ host: farEnd(socket), port: Number(port), allowHalfOpen: true });
      keep(dialled).pipe(dialled);
      socket.end();
    },
    send(socket, _name, size) {
      socket.write(numberedLines(Number(size)));
      endWithIt(socket);
    },
    stream(socket) {
      endWithIt(socket);
      let line = 0;
      const timer = setInterval(() => {
        if (socket.writableEnded || socket.writableNeedDrain) return;
        socket.write(Array.from({ length: 100 }, () => `${String(line++ % 10_000_000).padStart(7, '0')}\n`).join(''));
      }, 10);
      timers.add(timer);
    },
    'after-end'(socket, name, size) {
      held.set(name, () => socket.end(numberedLines(Number(size))));
      socket.resume();
    },
    'end-then-count'(socket, name) {
      count(socket, name);
      socket.end('bye');
    },
    deaf(socket, name) { // nothing asks for its data until then
      held.set(name, () => void count(socket, name).ended.then(() => socket.end()));
    },
    release(socket, _name, other) {
      held.get(other)?.();
      held.delete(other);
      socket.end();
    },
    async report(socket, _name, other) {
      const receipt = receipts.get(other);
      await receipt?.ended;
      socket.end(receipt ? `${receipt.bytes} ${receipt.hash.digest('hex')}\n` : 'unknown\n');
    },
    datagram(socket, _name, port) {
      udp.send('from outside', Number(port), farEnd(socket));
      socket.end();
    },
  };

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.on('error', () => {}); // a POD that is deleted resets its connections
    socket.on('close', () => sockets.delete(socket));
    return socket;
  }

  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    keep(socket);
    const [word = '', argument = ''] = (await firstLine(socket)).split(' ');
    const command = commands[word];
    socket.write(command ? 'ok\n' : `unknown command ${word}\n`);
    await command?.(socket, `${farEnd(socket)}:${socket.remotePort}`, argument);
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const udp = createSocket('udp4', (data, from) => udp.send(data, from.port, from.address));
  udp.bind(port, address);
  await once(udp, 'listening');

  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      udp.close();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Reads byte by byte: what comes after the line belongs to the command. */
async function firstLine(socket: Socket): Promise<string> {
  let line = '';
  for (;;) {
    const byte = socket.read(1) as Buffer | null;
    if (byte === null) await once(socket, 'readable');
    else if (byte[0] === 0x0a) return line;
    else line += byte.toString();
  }
}

function numberedLines(size: number): string {
  return Array.from({ length: Math.ceil(size / 8) }, (_, number) => `${String(number).padStart(7, '0')}\n`).join('').slice(0, size);
}

function endWithIt(socket: Socket): void {
  socket.once('end', () => socket.end());
  socket.resume();
}

function farEnd(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}
