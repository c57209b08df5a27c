"""TLS and API keys, with a proxy that has both: hatd itself has neither yet."""

from __future__ import annotations

import contextlib
import shlex
import socket
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path

from harness import PATIENCE, Calls, Hatd, Prosody, Servers

TUTOR = "urn:example:tutor"
KEY = "a-key-of-the-tests"


class Guard:
    """A TLS server that lets requests with a key through to hatd, and answers others with 401."""

    def __init__(self, port: int, key: str) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="guard-")
        self.certificate = Path(self.directory.name) / "certificate.pem"
        private = Path(self.directory.name) / "key.pem"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
        command += " -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        files = ["-keyout", str(private), "-out", str(self.certificate)]
        subprocess.run([*shlex.split(command), *files], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, private)
        self.target, self.key = port, key
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), self.context.wrap_socket(raw, server_side=True) as client:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (data := client.recv(65536)):
                    return
                head += data
            if f"authorization: bearer {self.key}".encode() not in head.lower():
                client.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self.target)) as server:
                server.sendall(head)
                threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
                self.pump(server, client)

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def close(self) -> None:
        self.listener.close()
        self.directory.cleanup()


class Security(Servers):
    @classmethod
    def setUpClass(cls) -> None:
        cls.addClassCleanup(cls.close_all)
        cls.hatd = cls.prosody = cls.calls = None
        cls.hatd = Hatd()
        cls.calls = Calls(cls.hatd)
        cls.guard = Guard(cls.hatd.port, KEY)
        cls.addClassCleanup(cls.guard.close)

    def start(self, options: str, url: str | None = None, connected: bool = True) -> None:
        prosody = Prosody(url or f"https://localhost:{self.guard.port}", options)
        self.addCleanup(prosody.close)
        type(self).prosody = prosody
        prosody.start(connected=connected)

    @classmethod
    def close_all(cls) -> None:
        cls.prosody = None
        super().close_all()

    async def test_hats_come_by_tls_with_a_key(self) -> None:
        with tempfile.NamedTemporaryFile("w", prefix="key-") as key:
            key.write(f"{KEY}\n")
            key.flush()
            self.start(
                f'hatd_tls = {{ cafile = "{self.guard.certificate}" }}\nhatd_api_key_file = "{key.name}"'
            )
            alice, _ = await self.alice_and_bob()
            self.calls.give(self.room, "bob@localhost", TUTOR)
            await alice.sees(f"{self.room}/bob", TUTOR)
            await alice.log_out()

    async def test_a_refused_key_is_told(self) -> None:
        self.start(
            f'hatd_tls = {{ cafile = "{self.guard.certificate}" }}\nhatd_api_key = "wrong"', connected=False
        )
        self.prosody.process.wait_for("hatd refuses this server, trying again in 60 s: UNAUTHENTICATED")

    async def test_a_certificate_that_is_not_trusted_is_not_believed(self) -> None:
        self.start(f'hatd_api_key = "{KEY}"', connected=False)
        self.prosody.process.wait_for(
            "hatd cannot be reached, trying again in .*certificate", patience=PATIENCE
        )

    async def test_a_name_that_is_not_the_certificates_is_not_believed(self) -> None:
        self.start(
            f'hatd_tls = {{ cafile = "{self.guard.certificate}" }}\nhatd_api_key = "{KEY}"',
            url=f"https://127.0.0.1:{self.guard.port}",
            connected=False,
        )
        self.prosody.process.wait_for("hatd cannot be reached, trying again in .*certificate")

    async def test_plaintext_to_another_machine_is_refused(self) -> None:
        self.start("", url="http://192.0.2.1:50051", connected=False)
        self.prosody.process.wait_for(
            "hatd_url: http://192.0.2.1:50051 would be plaintext to another machine"
        )
