"""Which kinds of job are paused, for the statements that leave them out."""

from django.db.models import Exists, OuterRef

from backend.orm.models import JobPause


class PausedKinds:
    """A condition within the statement that needs it: it costs no round trip."""

    @staticmethod
    def of_job() -> Exists:
        """Whether the kind of the job in the outer query is paused."""
        return Exists(JobPause.objects.filter(kind=OuterRef("kind")))
