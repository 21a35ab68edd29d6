"""Sessions of the site, which are sessions of the account like any other."""

from datetime import timedelta
from hashlib import sha256
from secrets import token_bytes

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from backend.orm.intervals import FromNow
from backend.orm.models import Session, User


class StaffSessions:
    """Binds the cookie of a browser to a row of `Session` that nobody can refresh.

    So everything that ends all sessions of an account ends these too: signing out
    everywhere, a new password, deactivation.
    """

    _KEY = "account_session"

    @transaction.atomic
    def begin(self, request: HttpRequest) -> None:
        """For a user who has just signed in, unless the account has changed since.

        The lock is that of `open_session`, so the account cannot be deactivated
        meanwhile.
        """
        active = User.objects.select_for_update(no_key=True).filter(is_active=True)
        user = active.filter(pk__in=[request.user.pk]).first()
        if user is None:
            return
        session = Session.objects.create(
            user=user,
            refresh_digest=sha256(token_bytes(32)).hexdigest(),
            expires_at=FromNow(timedelta(seconds=settings.SESSION_COOKIE_AGE)),
        )
        request.session[self._KEY] = str(session.pk)

    def id_of(self, request: HttpRequest) -> str:
        """The row of a request that is live."""
        return str(request.session[self._KEY])

    def is_live(self, request: HttpRequest) -> bool:
        return self._live(request).exists()

    def end(self, request: HttpRequest) -> None:
        self._live(request).update(revoked_at=Now())

    def _live(self, request: HttpRequest) -> QuerySet[Session]:
        named = [request.session[self._KEY]] if self._KEY in request.session else []
        return Session.objects.filter(
            pk__in=named,
            user=request.user.pk,
            revoked_at=None,
            expires_at__gt=Now(),
        )
