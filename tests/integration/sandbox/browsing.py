"""A small browser: opens a page, fills in its form, sends it, follows redirects; keeps no cookies."""

from __future__ import annotations

from html.parser import HTMLParser

import requests


class _Form(HTMLParser):
    def __init__(self):
        super().__init__()
        self.fields, self.choices, self.buttons, self.text, self.method = {}, {}, [], [], None
        self.chosen = None

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form":
            self.method = found["method"]
        elif tag == "button":
            self.buttons.append((found["name"], found["value"]))
        elif tag == "input" and found["type"] == "hidden":
            self.fields[found["name"]] = found["value"]
        elif tag == "input" and found["type"] == "radio":
            self.choices.setdefault(found["name"], []).append(found["value"])
            if "checked" in found:
                self.chosen = found["value"]

    def handle_data(self, data):
        self.text.append(data)


class Page:
    """One page as a person sees it."""

    def __init__(self, url, answer):
        self.url, self.status, self.html = url, answer.status_code, answer.text
        self.final = answer.url
        self.form = _Form()
        self.form.feed(answer.text)
        self.text = " ".join(" ".join(self.form.text).split())

    @property
    def people(self):
        return self.form.choices.get("identity", [])

    @property
    def code(self):
        return self.html.partition("id='code'>")[2].partition("<")[0]

    def press(self, value, identity=None):
        """Press a button; the form's other fields go along."""
        name = next(name for name, known in self.form.buttons if known == value)
        data = {**self.form.fields, "identity": identity or self.form.chosen, name: value}
        return Page(self.url, requests.request(self.form.method, self.url, data=data, timeout=30))


def visit(url):
    return Page(url, requests.get(url, timeout=30))
