"""A Redis that is waited for, however busy the machine is."""

from django.conf import settings

from backend.adapters.redis_hints import RedisHints
from backend.config.container import Container


class Calm:
    """Waits for the Redis of this run, which is never away.

    The process that asks it does all the rest, too: each answer that is given up makes
    the changes that follow wait for seconds, and the cache useless meanwhile.
    """

    SECONDS = 20.0

    @classmethod
    def hints(cls) -> RedisHints:
        url = settings.ENVIRONMENT.redis_url.get_secret_value()
        return RedisHints(url, cls.SECONDS)

    @classmethod
    def make(cls, container: Container) -> None:
        """Before anything is taken from it; one of another Redis is left as it is, and
        so are hints that a test has given it."""
        is_ours = container.environment.redis_url == settings.ENVIRONMENT.redis_url
        if is_ours and "redis_hints" not in vars(container):
            container.redis_hints = cls.hints()
