"""A generator as a library: `connect` to a service, or `open` a store; the same methods either way.

It may import `foundation`, httpx where it connects, and `service` where it opens a store. Nothing of it is
loaded before it is used: `import ganymede` stays cheap.
"""
