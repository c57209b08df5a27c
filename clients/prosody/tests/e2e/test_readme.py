"""The example of the README, run."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import unittest
from xml.etree import ElementTree

from harness import CLIENT, COMPONENT, Servers

README = (CLIENT / "README.md").read_text()


def block(language: str, mark: str) -> str:
    """Returns the block of code that has the mark."""
    [found] = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if mark in text]
    return found


def canonical(stanza: ElementTree.Element) -> str:
    """Returns a stanza without what differs from run to run."""
    for parent in list(stanza.iter()):
        parent.text = (parent.text or "").strip() or None
        parent.tail = None
        for child in list(parent):
            if child.tag == "{urn:xmpp:occupant-id:0}occupant-id":
                parent.remove(child)
    return ElementTree.canonicalize(ElementTree.tostring(stanza, "unicode"))


def anonymous(line: str) -> str:
    """Returns a line without the revision, which depends on how many changes came at once."""
    return re.sub(r"revision \d+", "revision", line)


class Readme(Servers):
    MODULES = ("hatd", "hatd_commands")

    @unittest.skipUnless("HATCTL" in os.environ, "HATCTL names no hatctl")
    async def test_the_example_is_true(self) -> None:
        self.room = f"algebra@{COMPONENT}"
        alice, _ = await self.alice_and_bob()
        before = len(alice.received)
        environment = {**os.environ, "HATD_ENDPOINT": self.hatd.url}
        told: list[str] = []
        console = block("console", "hatctl hat add").splitlines()
        for line in console:
            if line.startswith("$ hatctl "):
                told.append(line)
                command = [os.environ["HATCTL"], *shlex.split(line)[2:]]
                ran = await asyncio.to_thread(
                    subprocess.run, command, env=environment, capture_output=True, text=True, check=True
                )
                told += [shown.rstrip() for shown in (ran.stdout + ran.stderr).splitlines()]
        self.assertEqual([anonymous(line) for line in told], [anonymous(line) for line in console])
        await alice.sees(f"{self.room}/bob", "https://example.net/hats/tutor")
        expected = ElementTree.fromstring(f"<log xmlns='jabber:client'>{block('xml', 'status code')}</log>")
        got = [canonical(stanza) for stanza in alice.received[before:]]
        for stanza in expected:
            self.assertIn(canonical(stanza), got)
