"""What the native API shows of solutions."""

from datetime import datetime

from wire.native import NativeAnswer


class SolutionAnswer(NativeAnswer):
    """A solution of a partner."""

    solution_id: str
    partner_id: str
    name: str
    # "basic_software" | "cloud_software" | "advanced_cloud_software" | "consulting"
    solution_class: str
    certification: str  # "none" | "cloud_software" | "advanced_cloud_software"
    created_at: datetime
    version: int


class SolutionsAnswer(NativeAnswer):
    """A page of solutions; `next` goes into `after` for the next page, null on the last one."""

    solutions: list[SolutionAnswer]
    next: str | None
