"""A page as a machine reads it: well nested, and of use to somebody who does not see it."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br", "hr"}
HEADINGS = {f"h{n}" for n in range(1, 7)}
INSIDE = {"li": {"ul", "ol"}, "tr": {"thead", "tbody"}, "td": {"tr"}, "th": {"tr"},
          "dt": {"div", "dl"}, "dd": {"div", "dl"}, "figcaption": {"figure"},
          "summary": {"details"}}  # fmt: skip
NO_BLOCKS = {"p", "h1", "h2", "h3", "h4", "span", "small", "bdi", "a", "b", "i"}
BLOCKS = {"p", "div", "ul", "ol", "dl", "table", "section", "pre", "form", "figure", "details",
          *HEADINGS}  # fmt: skip


class Markup(HTMLParser):
    """What is in it, and what is wrong with it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.ids, self.headings = [], [], [], []
        self.text, self.links, self.references, self.inputs, self.labels = "", [], [], [], []
        self.tags, self.lang, self.styled = [], None, []
        self.feed(text)
        self.close()
        self._finish()

    def handle_starttag(self, tag, attrs):
        """Note it, and where it stands."""
        told = dict(attrs)
        self.tags.append(tag)
        if len(told) < len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice")
        above = self.open[-1] if self.open else None
        if tag in INSIDE and above not in INSIDE[tag]:
            self.wrong.append(f"<{tag}> in <{above}>")
        if tag in BLOCKS and "svg" not in self.open and set(self.open) & NO_BLOCKS:
            self.wrong.append(f"<{tag}> in <{'><'.join(self.open)}>")
        if tag == "a" and "a" in self.open:
            self.wrong.append("a link in a link")
        self._note(tag, told)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Only SVG closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        """It closes what was opened last."""
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes <{self.open[-1] if self.open else ''}>")
        else:
            self.open.pop()

    def handle_data(self, data):
        """What is read."""
        self.text += data

    def _note(self, tag, told):
        self.styled += [f"{tag} {name}" for name in told if name == "style" or name[:2] == "on"]
        self.lang = told.get("lang") if tag == "html" else self.lang
        if "id" in told:
            self.ids.append(told["id"])
        if tag in HEADINGS:
            self.headings.append(int(tag[1]))
        if tag == "a":
            self.links.append(told.get("href"))
        if tag in {"input", "button"} and told.get("type") != "hidden" and tag == "input":
            self.inputs.append(told.get("id"))
        if tag == "label":
            self.labels.append(told.get("for"))
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.references += told.get(name, "").split()
        if tag == "img" and "alt" not in told:
            self.wrong.append("<img> without alt")
        if tag == "th" and "scope" not in told:
            self.wrong.append("<th> without scope")
        if tag == "svg" and not {"aria-hidden", "aria-label", "aria-labelledby"} & told.keys():
            self.wrong.append("<svg> that says nothing")

    def _finish(self):
        if self.open:
            self.wrong.append(f"never closed: {self.open}")
        twice = {name for name in self.ids if self.ids.count(name) > 1}
        self.wrong += [f"id {name!r} is there twice" for name in twice]
        self.wrong += [f"id {name!r} has a space" for name in self.ids if " " in name or not name]
        self.wrong += [f"#{name} is not there" for name in self.references if name not in self.ids]
        self.wrong += [f"input {name!r} has no label" for name in self.inputs
                       if name not in self.labels]  # fmt: skip
        if self.headings.count(1) != 1 or self.headings[0] != 1:
            self.wrong.append(f"headings begin {self.headings[:2]}")
        steps = zip(self.headings, self.headings[1:], strict=False)
        self.wrong += [f"h{a} then h{b}" for a, b in steps if b > a + 1]
        self.wrong += [f"in place: {one}" for one in self.styled]
        if self.lang != "en":
            self.wrong.append(f"lang is {self.lang!r}")
