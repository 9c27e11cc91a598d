"""Why a file is not taken: where in it, and what is wrong there."""


class FileRefusedError(Exception):
    """Nothing of the file is kept; `line` is the one of the member, its headings being line 1."""

    def __init__(self, reason: str, member: str | None = None, line: int | None = None):
        self.reason, self.member, self.line = reason, member, line
        super().__init__(reason)
