#!/usr/bin/env python3
"""Judges our played site of feeds with feedparser, unmodified: every format well-formed, complete and conditional.

    feedparser_judge.py URL

Prints one line a check.
"""
import sys

import feedparser

url = sys.argv[1]
checks = []


def check(f):
    checks.append(f)
    return f


def read(file, **more):
    return feedparser.parse(f"{url}/{file}", **more)


for file, version in (("atom.xml", "atom10"), ("rss.xml", "rss20")):
    def well_formed(file=file, version=version):
        d = read(file)
        assert d.bozo == 0, d.get("bozo_exception")
        assert d.version == version, d.version
        assert d.feed.title == "Het Blog"

    def complete(file=file):
        entries = read(file).entries
        assert [e.title for e in entries] == ['Merk: "nooit meer" <of toch?>', "Storing bij Merk & Co"], [e.title for e in entries]
        for e in entries:
            assert e.id.startswith("tag:blog.example") and e.link.startswith(url) and e.author
            assert (e.get("published_parsed") or e.get("updated_parsed")) is not None
        assert "👍" in (entries[0].get("content") or [{"value": entries[0].get("summary")}])[0]["value"]

    def conditional(file=file):
        first = read(file)
        assert read(file, etag=first.etag).status == 304
        assert read(file, etag='"other"').status == 200

    for f in (well_formed, complete, conditional):
        f.__name__ = f"{file.split('.')[0]}_is_{f.__name__}"
        check(f)


@check
def the_json_feed_is_what_version_1_1_asks_for():
    import requests
    feed = requests.get(f"{url}/feed.json", timeout=10).json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1" and feed["title"]
    assert all(item["id"] and (item.get("content_html") or item.get("content_text")) for item in feed["items"])


bad = 0
for f in checks:
    try:
        f()
        print(f"ok {f.__name__}", flush=True)
    except Exception as e:
        bad += 1
        print(f"not ok {f.__name__}: {type(e).__name__}: {e}", flush=True)
sys.exit(1 if bad else 0)
