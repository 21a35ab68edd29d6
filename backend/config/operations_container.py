"""What is built for the person on call: for commands, and for the admin."""

from functools import cached_property

from backend.config.container import Container
from backend.orm.job_operations import DjangoJobOperations
from backend.orm.job_retry import JobRetry
from backend.use_cases.due_bells import DueBells
from backend.use_cases.operate_jobs import ResumeJobs, RetryFailedJobs
from backend.use_cases.ports.operations import JobOperations


class OperationsContainer(Container):
    """Builds the use cases for many jobs at once."""

    @cached_property
    def job_operations(self) -> JobOperations:
        return DjangoJobOperations(self.database_threads, self.freshness, JobRetry())

    @cached_property
    def retry_failed_jobs(self) -> RetryFailedJobs:
        return RetryFailedJobs(self.job_operations, self.doorbell, self.due_bells)

    @cached_property
    def resume_jobs(self) -> ResumeJobs:
        return ResumeJobs(self.job_operations, self.due_bells)

    @property
    def due_bells(self) -> DueBells:
        return DueBells(self.media_ledger, self.doorbell)
