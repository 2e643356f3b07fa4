"""HTTP without our endpoints: bodies, problems, formats, entity tags, what is logged and counted of a request.

It imports the rooms below: foundation, `encoding`, `requests`, `engine`, `releases`.
"""
