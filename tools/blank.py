"""What stands in the sandbox in place of the checks: a submission may import and call them, and learns nothing."""


def __getattr__(name):
    if name.startswith("__") or name == "remote":
        raise AttributeError(name)
    return lambda *arguments, **options: 0.0
