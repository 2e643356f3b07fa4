"""HTTP without our endpoints: who is let in, bodies, problems, formats, entity tags, the log of a request.

It imports the rooms below: foundation, `encoding`, `requests`, `engine`, `releases`.
"""
