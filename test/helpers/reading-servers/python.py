"""Python's own server, which leaves content unread, and logs what it reads as lines of JSON. Takes a port and a file."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def __getattr__(self, name):
        if not name.startswith('do_'):
            raise AttributeError(name)
        return self.answer

    def answer(self):
        self.record(200, self.headers.get_all('Host', []))
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def send_error(self, code, *rest, **more):
        self.record(int(code), [])
        super().send_error(code, *rest, **more)

    def record(self, status, hosts):
        line = self.raw_requestline.decode('latin1').rstrip('\r\n')
        request = {'from': self.client_address[0], 'status': status, 'line': line, 'hosts': hosts}
        log.write(json.dumps(request) + '\n')

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 4096

    def handle_error(self, *_):
        pass  # a client that has been reset


log = open(sys.argv[2], 'w', buffering=1)
server = Server(('127.0.0.1', int(sys.argv[1])), Handler)
print('ready', flush=True)
server.serve_forever()
