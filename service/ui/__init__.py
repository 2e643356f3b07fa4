"""The web page at `/ui`: plain files in `front/`, which call our own API from the visitor's browser.

It has no way of its own to the models: what it shows, `/generate` and the other endpoints answered.
It imports `endpoints` and every room below.
"""
