/** What Node does by itself: bodies from memory, by path. `node bench/plain-server.ts <port> <bytes>…` serves `/<bytes>`. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const [port, ...sizes] = process.argv.slice(2).map(Number);
const bodies = new Map(sizes.map((size) => [`/${size}`, randomBytes(size)]));

createServer((request, response) => {
  const body = bodies.get(request.url ?? '') ?? Buffer.alloc(0);
  response.writeHead(200, [
    'content-type',
    'application/octet-stream',
    'content-length',
    String(body.length),
    'cache-control',
    'max-age=3600',
  ]);
  response.end(body);
}).listen(port, '127.0.0.1');
