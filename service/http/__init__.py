"""HTTP without our endpoints: bodies, problems, formats, entity tags, and what is logged of a request.

It imports the rooms below: foundation, `encoding`, `requests`, `engine`, `releases`.
"""
