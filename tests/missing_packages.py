"""The beginning of a program in which some packages cannot be found, as where they were never installed."""

BLOCKING = """if True:
    import sys
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in BLOCKED:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    BLOCKED = set(sys.argv.pop(1).split())
    sys.meta_path.insert(0, Missing())
"""
"""Its first argument names them, with blanks between; the program goes on four blanks further in."""
