"""Says proceed to every check-in, one by one: a Mac that is older than the batches."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERDICT = (
    b'{"success":true,"contract":1,"action":"proceed","margin":"comfortable","reason":"bench",'
    b'"nearest_edge":"risk","resolved_agent_id":"lumen","eisv":{"E":0.7,"I":0.8,"S":0.2,"V":0.0},'
    b'"coherence":0.5,"risk_score":0.2,"repeated":false}'
)
OLDER = b'{"success":false,"error":"check-in: contract: Input should be 1"}'


class Mac(BaseHTTPRequestHandler):
    """One check-in, one verdict."""

    def do_POST(self) -> None:
        """In contract 1, which every Pi speaks."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_one = self.path == "/v1/checkins" and b'"contract":1' in body
        status, answer = (200, VERDICT) if is_one else (422, OLDER)
        if self.path != "/v1/checkins":
            status = 404
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


ThreadingHTTPServer(("127.0.0.1", 8767), Mac).serve_forever()
